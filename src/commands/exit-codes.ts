/** The service refused, could not start, or does not work. */
export const EXIT_REFUSED = 1

/** The command or the configuration is wrong. */
export const EXIT_USAGE = 2

/** Nothing answers where the service should be. */
export const EXIT_UNREACHABLE = 3

/** Of several events, some were not stored. */
export const EXIT_PARTLY = 4

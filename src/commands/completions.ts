import type { Command } from "commander"
import { choiceArgument } from "./option-values.ts"
import { print } from "./output.ts"
import { block, verbatim } from "./shown.ts"

/** The hidden command that shells call. It takes the words so far and prints the candidates for the next one. */
const COMPLETE = "complete"

/** The script that makes each shell call it. */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_event_broker() {
  local words="$("\${COMP_WORDS[0]}" ${COMPLETE} -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)"
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _event_broker event-broker
`,
  zsh: `#compdef event-broker
_event_broker() {
  local -a found
  found=(\${(f)"$("\${words[1]}" ${COMPLETE} -- "\${(@)words[2,CURRENT-1]}" 2>/dev/null)"})
  compadd -a found || _files
}
compdef _event_broker event-broker
`,
  fish: `function __event_broker
  set -l tokens (commandline -opc)
  $tokens[1] ${COMPLETE} -- $tokens[2..-1] 2>/dev/null
end
complete -c event-broker -f -a "(__event_broker)"
complete -c event-broker -n "__fish_seen_subcommand_from publish check validate init backup" -F
`,
}

export function addCompletions(program: Command): void {
  program
    .command("completions")
    .addArgument(choiceArgument("shell", "the shell", Object.keys(SCRIPTS)))
    .description('print a script that completes commands in a shell: eval "$(event-broker completions bash)"')
    .action((shell: string) => print(verbatim(SCRIPTS[shell] ?? "")))
  program
    .command(COMPLETE, { hidden: true })
    .argument("[words...]")
    .action((words: readonly string[]) => print(block(`${candidates(program, words).join("\n")}\n`)))
}

/** Returns the words that can follow these. */
function candidates(program: Command, words: readonly string[]): readonly string[] {
  let command = program
  for (const word of words) command = command.commands.find((each) => each.name() === word) ?? command
  const option = command.options.find(({ short, long }) => [short, long].includes(words.at(-1)))
  if (option?.required) return option.argChoices ?? []
  const help = command.createHelp()
  return [
    ...help.visibleCommands(command).map((each) => each.name()),
    ...command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
    ...help.visibleOptions(command).flatMap(({ long }) => (long && !words.includes(long) ? [long] : [])),
  ]
}

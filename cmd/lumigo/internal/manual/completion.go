package manual

import (
	"fmt"
	"strings"
)

// Shells are the names of those that there is completion for.
func Shells() []string { return []string{"bash", "zsh", "fish"} }

// Completion is the script that lets a shell complete the commands, their flags and their arguments. It calls no
// program while it does.
func Completion(shell string, commands []Command) (script string, err error) {
	switch shell {
	case "bash":
		return bash(commands), nil
	case "zsh":
		return zsh(commands), nil
	case "fish":
		return fish(commands), nil
	}
	return "", fmt.Errorf("no completion for %q: there is one for %s", shell, strings.Join(Shells(), ", "))
}

func names(commands []Command) []string {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	return names
}

func bash(commands []Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# bash completion for lumigo. In ~/.bashrc: source <(lumigo completion bash)
# shellcheck disable=SC2207 # no word that is completed has blanks

_lumigo() {
	local current=${COMP_WORDS[COMP_CWORD]} flags='' valued='' words='' command='' i
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		COMPREPLY=($(compgen -W '%s' -- "$current"))
		return
	fi
	case ${COMP_WORDS[1]} in
`, strings.Join(append(names(commands), "help"), " "))
	for _, c := range commands {
		var flags, valued []string
		for _, o := range c.Options() {
			flags = append(flags, o.Flag)
			if o.Value != "" {
				valued = append(valued, o.Flag)
			}
		}
		fmt.Fprintf(&b, "\t%s) flags='%s' valued=' %s ' words='%s'", c.Name, strings.Join(flags, " "), strings.Join(valued, " "), strings.Join(c.choices(), " "))
		if c.takesCommand() {
			b.WriteString(" command=yes")
		}
		b.WriteString(" ;;\n")
	}
	fmt.Fprintf(&b, "\thelp) words='%s' ;;\n\tesac\n", strings.Join(names(commands), " "))
	b.WriteString(`	# Where the flags end.
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--) ((i++)) && break ;;
		-*) [[ $valued == *" ${COMP_WORDS[i]} "* ]] && ((i++)) ;;
		*) break ;;
		esac
	done
	if ((i > COMP_CWORD)); then
		return # a flag's value
	elif [[ $command ]] && { ((i < COMP_CWORD)) || [[ $current != -* ]]; }; then
		if declare -F _comp_command_offset >/dev/null; then
			_comp_command_offset $i
		elif declare -F _command_offset >/dev/null; then
			_command_offset $i
		elif ((i == COMP_CWORD)); then
			COMPREPLY=($(compgen -c -- "$current"))
		fi
	elif [[ $current == -* ]]; then
		COMPREPLY=($(compgen -W "$flags" -- "$current"))
	else
		COMPREPLY=($(compgen -W "$words" -- "$current"))
	fi
}

complete -o bashdefault -o default -F _lumigo lumigo
`)
	return b.String()
}

func zsh(commands []Command) string {
	var b strings.Builder
	b.WriteString("#compdef lumigo\n# zsh completion for lumigo: lumigo completion zsh > \"${fpath[1]}/_lumigo\"\n\n_lumigo() {\n\tlocal line state\n\t_arguments -C '1:command:((")
	for _, c := range commands {
		fmt.Fprintf(&b, "%s\\:\"%s\" ", c.Name, zshText(c.summary()))
	}
	b.WriteString("help\\:\"explain a command\"))' '*::argument:->arguments'\n\tcase $line[1] in\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "\t%s)\n\t\t_arguments -S", c.Name)
		for _, o := range c.Options() {
			fmt.Fprintf(&b, " \\\n\t\t\t'%s[%s]%s'", o.Flag, zshText(o.brief()), zshValue(o))
		}
		switch {
		case c.takesCommand():
			b.WriteString(" \\\n\t\t\t'(-)1:command: _command_names -e' \\\n\t\t\t'*::arguments: _normal'")
		case c.choices() != nil:
			fmt.Fprintf(&b, " \\\n\t\t\t'1:argument:(%s)'", strings.Join(c.choices(), " "))
		default:
			b.WriteString(" \\\n\t\t\t'*:argument:_files'")
		}
		b.WriteString("\n\t\t;;\n")
	}
	fmt.Fprintf(&b, "\thelp)\n\t\t_arguments '1:command:(%s)'\n\t\t;;\n\tesac\n}\n\n", strings.Join(names(commands), " "))
	b.WriteString("if [ \"$funcstack[1]\" = _lumigo ]; then _lumigo \"$@\"; else compdef _lumigo lumigo; fi\n")
	return b.String()
}

func zshValue(o Option) string {
	switch o.Value {
	case "":
		return ""
	case "DIR":
		return ":DIR:_files -/"
	case "FILE":
		return ":FILE:_files"
	}
	return ":" + o.Value + ": "
}

// zshText keeps a text from ending the quotes and brackets that it stands in.
func zshText(text string) string {
	return strings.NewReplacer("'", "’", "[", "(", "]", ")", ":", `\:`, `"`, "").Replace(text)
}

func fish(commands []Command) string {
	var b strings.Builder
	b.WriteString("# fish completion for lumigo: lumigo completion fish > ~/.config/fish/completions/lumigo.fish\n\n")
	for _, c := range append(commands, Command{"help", "Explain a command."}) {
		fmt.Fprintf(&b, "complete -c lumigo -n __fish_use_subcommand -f -a %s -d '%s'\n", c.Name, fishText(c.summary()))
	}
	for _, c := range commands {
		under := fmt.Sprintf("complete -c lumigo -n '__fish_seen_subcommand_from %s'", c.Name)
		for _, o := range c.Options() {
			fmt.Fprintf(&b, "%s %s -d '%s'\n", under, fishFlag(o), fishText(o.brief()))
		}
		if c.takesCommand() {
			fmt.Fprintf(&b, "%s -x -a '(__fish_complete_subcommand --fcs-skip=2)'\n", under)
		} else if words := c.choices(); words != nil {
			fmt.Fprintf(&b, "%s -x -a '%s'\n", under, strings.Join(words, " "))
		}
	}
	fmt.Fprintf(&b, "complete -c lumigo -n '__fish_seen_subcommand_from help' -x -a '%s'\n", strings.Join(names(commands), " "))
	return b.String()
}

func fishFlag(o Option) string {
	flag := "-s " + strings.TrimPrefix(o.Flag, "-")
	if name, long := strings.CutPrefix(o.Flag, "--"); long {
		flag = "-l " + name
	}
	switch o.Value {
	case "":
		return flag
	case "DIR":
		return flag + " -x -a '(__fish_complete_directories)'"
	case "FILE":
		return flag + " -r -F"
	}
	return flag + " -x"
}

func fishText(text string) string {
	return strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text)
}

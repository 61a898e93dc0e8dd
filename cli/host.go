package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
)

func (a *app) hostCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "host",
		Short: "add, import, edit, rename and remove hosts of the configuration",
		Long: `These commands edit ~/.ssh/config, or the file that it includes a host from, or
that of -F. They write what was asked for and leave every other byte as it is.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(a.hostAdd(), a.hostEdit(), a.hostRemove(), a.hostRename(), a.hostTag(), a.hostImport())
	return cmd
}

func (a *app) hostAdd() *cobra.Command {
	var hostName, user, port, jump, file string
	var identities, settings, tags []string
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "add a host to the configuration",
		Example: `  sallyport host add targaryen --hostname 10.0.0.5 --user dany --jump got-bastion
  sallyport host add jean-zay --set HostName=jean-zay.idris.fr --set ForwardAgent=no`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := cmd.Flags()
	flags.StringVar(&hostName, "hostname", "", "the `ADDRESS` to dial (HostName)")
	flags.StringVarP(&user, "user", "l", "", "the login `NAME` there (User)")
	flags.StringVarP(&port, "port", "p", "", "the TCP `PORT` (Port)")
	flags.StringVarP(&jump, "jump", "J", "", "the `HOSTS` on the way, with commas between (ProxyJump)")
	flags.StringArrayVarP(&identities, "identity", "i", nil, "a key `FILE` (IdentityFile); may be repeated")
	flags.StringArrayVar(&settings, "set", nil, "any other option, as `KEYWORD=VALUE`; may be repeated")
	flags.StringArrayVar(&tags, "tag", nil, "a `TAG`, written into a comment; may be repeated")
	flags.StringVar(&file, "file", "", "the included `FILE` to write to, instead of the user's")
	return a.editing(cmd, func(args []string) ([]config.Edit, error) {
		file, err := includedFile(file)
		if err != nil {
			return nil, err
		}
		add := config.AddHost{Name: args[0], Tags: tags, File: file}
		for _, o := range []config.Assignment{{Keyword: "HostName", Value: hostName}, {Keyword: "User", Value: user}, {Keyword: "Port", Value: port}} {
			if o.Value != "" {
				add.Options = append(add.Options, config.Assignment{Keyword: o.Keyword, Value: config.Quote(o.Value)})
			}
		}
		if jump != "" {
			add.Options = append(add.Options, config.Assignment{Keyword: "ProxyJump", Value: jump})
		}
		for _, path := range identities {
			add.Options = append(add.Options, config.Assignment{Keyword: "IdentityFile", Value: config.Quote(path)})
		}
		for _, s := range settings {
			o, err := assignment("--set", s)
			if err != nil {
				return nil, err
			}
			add.Options = append(add.Options, o)
		}
		return []config.Edit{add}, nil
	})
}

// includedFile is a file of --file as the configuration may name it: "" and
// what begins with ~ stay.
func includedFile(file string) (string, error) {
	if file == "" || strings.HasPrefix(file, "~") {
		return file, nil
	}
	return filepath.Abs(file)
}

// assignment reads Keyword=Value, or "Keyword Value" as ssh -o takes it, too.
func assignment(flag, s string) (config.Assignment, error) {
	i := strings.IndexAny(s, "= \t")
	if i <= 0 || strings.TrimSpace(s[i+1:]) == "" {
		return config.Assignment{}, badUsage("%s wants KEYWORD=VALUE, and %q is not", flag, api.Printable(s))
	}
	return config.Assignment{Keyword: s[:i], Value: strings.TrimLeft(s[i+1:], " \t")}, nil
}

func badUsage(format string, args ...any) error {
	return &api.Error{Code: api.CodeBadRequest, Message: fmt.Sprintf(format, args...)}
}

func (a *app) hostEdit() *cobra.Command {
	var set, add, unset []string
	cmd := &cobra.Command{
		Use:   "edit NAME",
		Short: "change options of a host",
		Long: `Change options of a host. A value is written as it stands on a line of the file,
in quotes where it holds spaces. It replaces the one in the host's own block, or
is added where it takes effect: an earlier line that wins is named. In the list,
E shows the same as a form, with help for every keyword.`,
		Example: `  sallyport host edit targaryen --set User=dany --set Port=2222
  sallyport host edit targaryen --unset ProxyJump --add IdentityFile=~/.ssh/id_lab`,
		Args: cobra.ExactArgs(1),
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&set, "set", nil, "give an option a value, as `KEYWORD=VALUE`; may be repeated")
	flags.StringArrayVar(&add, "add", nil, "give one more value, as `KEYWORD=VALUE`, to an option that takes several")
	flags.StringArrayVar(&unset, "unset", nil, "take the lines of `KEYWORD` away, or with KEYWORD=VALUE the one that has it")
	return a.editing(cmd, func(args []string) ([]config.Edit, error) {
		var edits []config.Edit
		for _, s := range unset {
			keyword, value, _ := strings.Cut(s, "=")
			edits = append(edits, config.RemoveOption{Host: args[0], Keyword: keyword, Value: value})
		}
		for _, s := range set {
			o, err := assignment("--set", s)
			if err != nil {
				return nil, err
			}
			edits = append(edits, config.SetOption{Host: args[0], Keyword: o.Keyword, Value: o.Value})
		}
		for _, s := range add {
			o, err := assignment("--add", s)
			if err != nil {
				return nil, err
			}
			edits = append(edits, config.AddOption{Host: args[0], Keyword: o.Keyword, Value: o.Value})
		}
		if len(edits) == 0 {
			return nil, badUsage("nothing to change was named: use --set, --add or --unset")
		}
		return edits, nil
	})
}

func (a *app) hostRemove() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rm NAME",
		Short: "remove a host, with the comment above it",
		Args:  cobra.ExactArgs(1),
	}
	return a.editing(cmd, func(args []string) ([]config.Edit, error) {
		return []config.Edit{config.RemoveHost{Name: args[0]}}, nil
	})
}

func (a *app) hostRename() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rename OLD NEW",
		Short: "give a host another name, also where others jump through it",
		Args:  cobra.ExactArgs(2),
	}
	return a.editing(cmd, func(args []string) ([]config.Edit, error) {
		return []config.Edit{config.RenameHost{Old: args[0], New: args[1]}}, nil
	})
}

// hostTag takes -tag as an argument, not as a flag.
func (a *app) hostTag() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tag NAME [+TAG | -TAG]...",
		Short: "add and remove tags of a host; without any, print them",
		Long: `Add and remove tags of a host; without any, print them. They are kept in a comment
above its Host line: "# Tags: lab, gpu". Behind NAME, flags are written with two
dashes, since -y is the tag y to take away.`,
		Example:            "  sallyport host tag targaryen +gpu -old",
		Args:               cobra.ArbitraryArgs,
		DisableFlagParsing: true,
	}
	a.editing(cmd, nil)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		changes, err := parseTagLine(cmd, args)
		if errors.Is(err, errHelp) {
			return cmd.Help()
		}
		if err != nil {
			return err
		}
		return a.tag(cmd, changes[0], changes[1:])
	}
	return cmd
}

var errHelp = errors.New("help")

// parseTagLine reads the flags, which begin with two dashes or are -y, -n, -h
// or -F, and leaves the name and the changes.
func parseTagLine(cmd *cobra.Command, args []string) (words []string, err error) {
	flags := cmd.Flags()
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "-h" || arg == "--help":
			return nil, errHelp
		case arg == "-F" || arg == "--config":
			if i++; i == len(args) {
				return nil, badUsage("%s wants a file", arg)
			}
			err = flags.Set("config", args[i])
		case len(words) == 0 && (arg == "-y" || arg == "-n"), strings.HasPrefix(arg, "--"):
			err = flags.Parse([]string{arg})
		default:
			words = append(words, arg)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(words) == 0 {
		return nil, badUsage("a host is missing: sallyport host tag NAME +TAG")
	}
	return words, nil
}

// tag changes the tags of a host, or prints them.
func (a *app) tag(cmd *cobra.Command, host string, changes []string) error {
	p, err := a.paths()
	if err != nil {
		return err
	}
	hosts := config.Load(p).Hosts()
	i := slices.IndexFunc(hosts, func(e config.Entry) bool { return e.Name == host })
	if i < 0 {
		return &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("no Host line names %q", api.Printable(host)), Hints: []string{"sallyport hosts lists them"}}
	}
	tags := slices.Clone(hosts[i].Tags)
	if len(changes) == 0 {
		for _, tag := range tags {
			fmt.Fprintln(a.Out, api.Printable(tag))
		}
		return nil
	}
	for _, c := range changes {
		name := c
		if c != "" && (c[0] == '+' || c[0] == '-') {
			name = c[1:]
		}
		has := slices.Contains(tags, name)
		switch {
		case strings.HasPrefix(c, "-") && !has:
			return &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("%s has no tag %q", api.Printable(host), api.Printable(name))}
		case strings.HasPrefix(c, "-"):
			tags = slices.DeleteFunc(tags, func(tag string) bool { return tag == name })
		case !has:
			tags = append(tags, name)
		}
	}
	flags := editFlags{}
	flags.yes, _ = cmd.Flags().GetBool("yes")        // registered by editing
	flags.dryRun, _ = cmd.Flags().GetBool("dry-run") // likewise
	return a.change(cmd.Context(), flags, []config.Edit{config.SetTags{Host: host, Tags: tags}})
}

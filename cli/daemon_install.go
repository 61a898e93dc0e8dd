package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
	"sallyport/internal/nss"
)

func (a *app) daemonInstall() *cobra.Command {
	return &cobra.Command{
		Use:   "install",
		Short: "have it started at login, and again after a crash",
		Long: `Describe the background process to the system's service manager, as a systemd
unit of your own or a launchd agent: tunnels that are on come back when you log
in, and with lingering when the machine starts.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := serviceHere()
			if err != nil {
				return err
			}
			return a.install(s)
		},
	}
}

func (a *app) daemonUninstall() *cobra.Command {
	return &cobra.Command{
		Use:   "uninstall",
		Short: "undo install; one that runs goes on",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := serviceHere()
			if err != nil {
				return err
			}
			return a.uninstall(s)
		},
	}
}

// serviceHere is the service of this machine's manager.
func serviceHere() (service, error) {
	program, err := os.Executable()
	if err != nil {
		return service{}, err
	}
	p, err := config.DefaultPaths()
	if err != nil {
		return service{}, err
	}
	switch runtime.GOOS {
	case "linux":
		name := "$USER"
		if u, err := nss.CurrentUser(); err == nil {
			name = u.Username
		}
		configHome := os.Getenv("XDG_CONFIG_HOME")
		if !filepath.IsAbs(configHome) {
			configHome = filepath.Join(p.Home, ".config")
		}
		return systemdUnit(configHome, program, name), nil
	case "darwin":
		return launchAgent(p.Home, program, os.Getuid()), nil
	}
	return service{}, &api.Error{
		Code:    "unsupported",
		Message: "only systemd and launchd are known here, not the service manager of " + runtime.GOOS,
		Hints:   []string{"have it run at login: " + program + " daemon run"},
	}
}

// install writes the file and tells the manager. To do it again changes
// nothing, and what somebody else wrote stays.
func (a *app) install(s service) error {
	before, err := s.read()
	if err != nil {
		return err
	}
	if before == s.text {
		fmt.Fprintf(a.Err, "sallyport: %s is there already\n", api.Printable(s.path))
	} else {
		if err := s.write(); err != nil {
			return err
		}
		fmt.Fprintf(a.Err, "sallyport: wrote %s\n", api.Printable(s.path))
	}
	if err := manage(s.enable); err != nil {
		return err
	}
	_, err = fmt.Fprint(a.Err, s.advice)
	return err
}

func (a *app) uninstall(s service) error {
	before, err := s.read()
	if err != nil {
		return err
	}
	if before == "" {
		_, err := fmt.Fprintf(a.Err, "sallyport: %s is not there\n", api.Printable(s.path))
		return err
	}
	told := manage(s.disable)
	if err := os.Remove(s.path); err != nil {
		return err
	}
	fmt.Fprintf(a.Err, "sallyport: removed %s\n", api.Printable(s.path))
	if told != nil {
		return told
	}
	return manage(s.forget)
}

// read is the file as it is, "" if there is none. One that is not ours is an
// error.
func (s service) read() (string, error) {
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(s.path); err == nil {
			return "", s.foreign() // a link to nowhere; systemd takes one to /dev/null for "never"
		}
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(text), written) {
		return "", s.foreign()
	}
	return string(text), nil
}

func (s service) foreign() error {
	return &api.Error{
		Code:    "foreign",
		Message: fmt.Sprintf("%s was not written by sallyport: it stays as it is", api.Printable(s.path)),
		Hints:   []string{"ls -l " + api.Printable(s.path)},
	}
}

// write replaces the file: there is never half of one.
func (s service) write() error {
	dir := filepath.Dir(s.path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return replaceFile(s.path, []byte(s.text), 0o644)
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, text []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".sallyport-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails once it was renamed
	_, err = tmp.Write(text)
	if err := errors.Join(err, tmp.Chmod(mode), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// manage gives commands to the service manager.
func manage(commands [][]string) error {
	for _, argv := range commands {
		out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
		if err != nil {
			return &api.Error{
				Code:    "service-manager",
				Message: api.Printable(fmt.Sprintf("%s refuses: %v %s", argv[0], err, strings.TrimSpace(string(out)))),
				Hints:   []string{strings.Join(argv, " ")},
			}
		}
	}
	return nil
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

type completionsCmd struct {
	Script  completionsScriptCmd  `cmd:"" help:"Print the script that turns completions on."`
	Install completionsInstallCmd `cmd:"" help:"Turn completions on for new shells."`
}

type completionsScriptCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is the longer help.
func (completionsScriptCmd) Help() string {
	return `For the shell that runs now:

    source <(patchbay completions script bash)`
}

// Run prints the script.
func (c *completionsScriptCmd) Run(con *console) error {
	script, err := completionScript(c.Shell)
	if err != nil {
		return err
	}
	if con.json {
		return con.value(map[string]string{"shell": c.Shell, "script": script})
	}
	_, err = fmt.Fprint(con.out, script)
	return err
}

type completionsInstallCmd struct {
	Shell string `arg:"" default:"" enum:"bash,zsh,fish," help:"bash, zsh or fish; the one of SHELL when left out."`
}

// Run puts the script where the shell reads it; doing it twice changes nothing.
func (c *completionsInstallCmd) Run(con *console) error {
	shell := firstOf(c.Shell, filepath.Base(os.Getenv("SHELL")))
	script, err := completionScript(shell)
	if err != nil {
		return err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return fmt.Errorf("finding your home folder: %w", err)
	}
	path, whole := completionPlace(shell, home)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the folder for completions: %w", err)
	}
	if whole {
		err = os.WriteFile(path, []byte(script), 0o644)
	} else {
		err = appendOnce(path, script)
	}
	if err != nil {
		return fmt.Errorf("installing completions: %w", err)
	}
	if con.json {
		return con.value(map[string]string{"shell": shell, "path": path})
	}
	con.say("Completions for %s are in %s; they work in new shells.", shell, path)
	return nil
}

// completionPlace answers the file that a shell reads, and whether it is for completions of this program alone.
func completionPlace(shell, home string) (path string, whole bool) {
	switch shell {
	case "fish":
		return filepath.Join(firstOf(os.Getenv("XDG_CONFIG_HOME"), filepath.Join(home, ".config")), "fish", "completions", "patchbay.fish"), true
	case "zsh":
		return filepath.Join(firstOf(os.Getenv("ZDOTDIR"), home), ".zshrc"), false
	}
	return filepath.Join(firstOf(os.Getenv("XDG_DATA_HOME"), filepath.Join(home, ".local", "share")), "bash-completion", "completions", "patchbay"), true
}

// appendOnce adds text to a file that does not have it.
func appendOnce(path, text string) error {
	before, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	if strings.Contains(string(before), text) {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if len(before) > 0 && before[len(before)-1] != '\n' {
		text = "\n" + text
	}
	if _, err := f.WriteString(text); err != nil {
		_ = f.Close() // the write's error says more
		return err
	}
	return f.Close()
}

// completionScript makes a shell ask this very program, which answers where COMP_LINE is set.
func completionScript(shell string) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	quoted := "'" + strings.ReplaceAll(program, "'", `'\''`) + "'"
	switch shell {
	case "bash":
		return "complete -o default -C " + quoteTwice(quoted) + " patchbay\n", nil
	case "zsh":
		return "autoload -U +X bashcompinit && bashcompinit\ncomplete -o default -C " + quoteTwice(quoted) + " patchbay\n", nil
	case "fish":
		fish := "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(program) + "'"
		return "function __patchbay_complete\n    set -lx COMP_LINE (commandline -cp)\n    " + fish + "\nend\n" +
			"complete -c patchbay -a '(__patchbay_complete)'\n", nil
	}
	return "", usageError("completions are for bash, zsh and fish, not for %q", shell)
}

// quoteTwice quotes a quoted word once more: bash splits the argument of -C like a command line.
func quoteTwice(quoted string) string {
	return "'" + strings.ReplaceAll(quoted, "'", `'\''`) + "'"
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(con *console) error {
	if con.json {
		return con.value(map[string]string{"version": version})
	}
	con.say("patchbay %s", version)
	return nil
}

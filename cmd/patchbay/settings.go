package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// settingsFile is the file of settings that is read where it lies in the working directory.
const settingsFile = "patchbay.yaml"

// settings are what a patchbay.yaml says: the flags of serve, and the data folder. It does not say where tokens are sent, so that a file
// that somebody left in a folder cannot lead them away.
type settings struct {
	path   string // "" without a file
	named  bool   // by --config or PATCHBAY_CONFIG, not found in the working directory
	values map[string]string
}

// BeforeResolve reads the settings file before flags without a value are looked up in it. (The resolver is bound to the parser from the
// start: kong keeps an environment's error for a resolver to mend only if it knows of one.)
func (g *grammar) BeforeResolve(ctx *kong.Context, s *settings) error {
	s.path = settingsFile
	if g.configPath(ctx) != "" {
		s.path, s.named = kong.ExpandPath(g.configPath(ctx)), true
	}
	if err := s.read(); err != nil {
		return fmt.Errorf("reading the settings: %w", err)
	}
	if !s.named {
		g.fileData = s.values["data"]
	}
	return nil
}

// configPath answers the value of --config, which is not in its field yet.
func (g *grammar) configPath(ctx *kong.Context) string {
	for _, flag := range ctx.Model.Flags {
		if flag.Name == "config" {
			path, _ := ctx.FlagValue(flag).(string)
			return path
		}
	}
	return ""
}

// read reads the file; one that was not named may be missing.
func (s *settings) read() error {
	f, err := os.Open(s.path)
	if errors.Is(err, os.ErrNotExist) && !s.named {
		s.path = ""
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !s.named && !trusted(info) {
		return fmt.Errorf("%s is not yours alone: it belongs to another user, or others may write it; name it with --config if you trust it", s.path)
	}
	raw, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return err
	}
	if s.values, err = parseSettings(raw); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return nil
}

// parseSettings decodes the file: one value for each name. A name may be written with dashes or underscores. No error quotes a value,
// which may be a database's address with its password.
func parseSettings(raw []byte) (map[string]string, error) {
	var nodes map[string]yaml.Node
	if err := yaml.Unmarshal(raw, &nodes); err != nil {
		return nil, errors.New("it must be YAML with one `name: value` on each line")
	}
	values := map[string]string{}
	for key, node := range nodes {
		name := strings.ReplaceAll(key, "_", "-")
		if _, twice := values[name]; twice {
			return nil, fmt.Errorf("%s stands there twice", name)
		}
		if node.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("%s must be one value", name)
		}
		if node.Tag != "!!null" {
			values[name] = node.Value
		}
	}
	return values, nil
}

// Validate refuses names that are no setting, which are mistyped as a rule.
func (s *settings) Validate(app *kong.Application) error {
	known := []string{"data"}
	for _, command := range app.Children {
		if command.Name == "serve" {
			for _, flag := range command.Flags {
				known = append(known, flag.Name)
			}
		}
	}
	slices.Sort(known)
	for name := range s.values {
		if !slices.Contains(known, name) {
			return fmt.Errorf("%s: %s is not a setting; there are: %s", s.path, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// Resolve answers a flag's value, unless the environment has one. kong asks for flags that the command line left out, and would prefer the
// answer to the environment's value. An empty variable counts as none.
func (s *settings) Resolve(ctx *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	empty := false
	for _, name := range flag.Envs {
		value, set := os.LookupEnv(name)
		if value != "" {
			return nil, nil
		}
		empty = empty || set
	}
	if value, ok := s.values[flag.Name]; ok && s.applies(ctx, parent, flag) {
		return value, nil
	}
	if empty && flag.HasDefault {
		return flag.Default, nil
	}
	return nil, nil
}

// applies says whether the file may set a flag: those of serve, and the data folder for serve or where the file was named.
func (s *settings) applies(ctx *kong.Context, parent *kong.Path, flag *kong.Flag) bool {
	selected := ctx.Selected()
	serving := selected != nil && selected.Name == "serve"
	if flag.Name == "data" {
		return serving || s.named
	}
	return serving && parent.Command == selected
}

package workflow

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"go.yaml.in/yaml/v3"
)

// Bounds of a document and of what it may ask for.
const (
	MaxDocument = 1 << 20
	maxNodes    = 5000
	maxItems    = 10_000
	maxParallel = 100
	maxRetries  = 20
	maxTriggers = 20
	maxWait     = 366 * 24 * time.Hour
	// maxNodeTime is that of a call.
	maxNodeTime     = 15 * time.Minute
	defaultParallel = 8
)

var nodeName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`)

// outputNode is the name of the node that makes a run's output. No document can give it.
const outputNode = "=output"

// Document is a workflow as it was written, read and checked as far as it can be by itself.
type Document struct {
	Description string
	Schedules   []Schedule
	nodes       []*node
	byName      map[string]*node
}

// Schedule starts runs by the clock.
type Schedule struct {
	Cron, Zone string
	Input      []byte
	when       cron.Schedule
}

// node is one step.
type node struct {
	name string
	line int

	integration, pool, operation string
	child                        string // a workflow
	value                        *template
	wait                         *template
	input                        template

	needs    []string
	when     *template
	forEach  *template
	parallel int

	goesOn    bool // on_error: continue
	retries   int
	timeout   time.Duration
	approval  bool
	onUnknown string

	// after are the nodes that it waits for, next those that wait for it.
	after, next []string
}

// parse reads a document, in YAML, of which JSON is a part. Its errors are line errors.
func parse(source string) (*Document, error) {
	if len(source) > MaxDocument {
		return nil, &lineError{1, "", fmt.Sprintf("the document is larger than %d MiB", MaxDocument>>20)}
	}
	var root yaml.Node
	d := yaml.NewDecoder(strings.NewReader(source))
	if err := d.Decode(&root); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &lineError{1, "", "the document is empty"}
		}
		return nil, yamlError(err)
	}
	if len(root.Content) != 1 {
		return nil, &lineError{1, "", "the document is empty"}
	}
	doc := &Document{byName: map[string]*node{}}
	if err := doc.read(root.Content[0]); err != nil {
		return nil, err
	}
	return doc, doc.connect()
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

func yamlError(err error) error {
	out := &lineError{1, "", clip(strings.TrimPrefix(err.Error(), "yaml: "))}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		_, _ = fmt.Sscan(m[1], &out.line) // digits
		out.detail = clip(m[2])
	}
	return out
}

// fields calls set for each key of an object.
func fields(n *yaml.Node, where string, set func(key string, v *yaml.Node, where string) error) error {
	if n.Kind != yaml.MappingNode {
		return wrong(n, where, "must be an object")
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		if seen[key] {
			return wrong(n.Content[i], where, "%q stands here twice", clip(key))
		}
		seen[key] = true
		if err := set(key, n.Content[i+1], where+"/"+key); err != nil {
			return err
		}
	}
	return nil
}

func (d *Document) read(root *yaml.Node) error {
	var output *template
	outputLine := 0
	err := fields(root, "", func(key string, v *yaml.Node, where string) error {
		var err error
		switch key {
		case "name": // the name that counts is that of the address
		case "description":
			d.Description, err = text(v, where)
		case "schedules":
			err = d.readSchedules(v, where)
		case "nodes":
			err = fields(v, where, d.readNode)
		case "output":
			outputLine = v.Line
			output, err = templateAt(v, where)
		default:
			err = wrong(v, where, "%q is not a field of a workflow: it has name, description, schedules, nodes and output", clip(key))
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(d.nodes) == 0 {
		return wrong(root, "/nodes", "a workflow has at least one node, under nodes")
	}
	if len(d.nodes) > maxNodes {
		return wrong(root, "/nodes", "the workflow has more than %d nodes", maxNodes)
	}
	if output != nil {
		return d.add(&node{name: outputNode, line: outputLine, value: output, parallel: 1})
	}
	return nil
}

func (d *Document) add(n *node) error {
	if d.byName[n.name] != nil {
		return &lineError{n.line, "/nodes/" + n.name, fmt.Sprintf("there are two nodes %s: a sandbox node has one before and one after it", n.name)}
	}
	d.nodes = append(d.nodes, n)
	d.byName[n.name] = n
	return nil
}

func (d *Document) readSchedules(v *yaml.Node, where string) error {
	if v.Kind != yaml.SequenceNode || len(v.Content) > maxTriggers {
		return wrong(v, where, "must be a list of at most %d schedules", maxTriggers)
	}
	for i, item := range v.Content {
		s := Schedule{Zone: "UTC", Input: []byte("{}")}
		err := fields(item, fmt.Sprintf("%s/%d", where, i), func(key string, v *yaml.Node, where string) error {
			var err error
			switch key {
			case "cron":
				s.Cron, err = text(v, where)
			case "timezone":
				s.Zone, err = text(v, where)
			case "input":
				s.Input, err = plainJSON(v, where)
			default:
				err = wrong(v, where, "%q is not a field of a schedule: it has cron, timezone and input", clip(key))
			}
			return err
		})
		if err != nil {
			return err
		}
		if s.when, err = s.parse(); err != nil {
			return wrong(item, fmt.Sprintf("%s/%d", where, i), "%v", err)
		}
		d.Schedules = append(d.Schedules, s)
	}
	return nil
}

// parse reads when a schedule starts runs: five fields, or a word such as @daily, in a time zone of the IANA's names.
func (s Schedule) parse() (cron.Schedule, error) {
	if _, err := time.LoadLocation(s.Zone); err != nil || s.Zone == "Local" || s.Zone == "" {
		return nil, fmt.Errorf("the time zone %q is not known: give a name such as Europe/Berlin", clip(s.Zone))
	}
	if strings.Contains(s.Cron, "TZ=") || strings.HasPrefix(s.Cron, "@every") {
		return nil, errors.New("cron has five fields, such as 0 9 * * 1-5, or is a word such as @daily; the zone stands under timezone")
	}
	when, err := cron.ParseStandard("CRON_TZ=" + s.Zone + " " + s.Cron)
	if err != nil {
		return nil, fmt.Errorf("cron has five fields, such as 0 9 * * 1-5: %s", clip(err.Error()))
	}
	return when, nil
}

// Next answers when the schedule starts a run after t; zero where it never does.
func (s Schedule) Next(t time.Time) time.Time { return s.when.Next(t) }

func plainJSON(v *yaml.Node, where string) ([]byte, error) {
	t, err := newTemplate(v, where)
	if err != nil {
		return nil, err
	}
	found := false
	t.expressions(func(*template, *expression) { found = true })
	if found || t.kind != objectOf {
		return nil, wrong(v, where, "must be an object without expressions")
	}
	value, err := t.fill(nil, nil) //nolint:staticcheck // nothing is evaluated
	if err != nil {
		return nil, wrong(v, where, "%v", err)
	}
	return encode(value)
}

func text(v *yaml.Node, where string) (string, error) {
	if v.Kind != yaml.ScalarNode || v.ShortTag() == "!!null" {
		return "", wrong(v, where, "must be a text")
	}
	return v.Value, nil
}

func templateAt(v *yaml.Node, where string) (*template, error) {
	t, err := newTemplate(v, where)
	return &t, err
}

func boolean(v *yaml.Node, where string) (bool, error) {
	var b bool
	if v.Kind != yaml.ScalarNode || v.ShortTag() != "!!bool" || v.Decode(&b) != nil {
		return false, wrong(v, where, "must be true or false")
	}
	return b, nil
}

func number(v *yaml.Node, where string, least, most int) (int, error) {
	var n int
	if v.Kind != yaml.ScalarNode || v.ShortTag() != "!!int" || v.Decode(&n) != nil || n < least || n > most {
		return 0, wrong(v, where, "must be a number from %d to %d", least, most)
	}
	return n, nil
}

func span(v *yaml.Node, where string, most time.Duration) (time.Duration, error) {
	s, err := text(v, where)
	if err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 || d > most {
		return 0, wrong(v, where, "must be a duration such as 30s, at most %s", most)
	}
	return d, nil
}

func oneOf(v *yaml.Node, where string, words ...string) (string, error) {
	s, err := text(v, where)
	if err == nil && !slices.Contains(words, s) {
		err = wrong(v, where, "must be one of %s", strings.Join(words, ", "))
	}
	return s, err
}

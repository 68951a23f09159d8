package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

type sandboxCmd struct {
	Create    sandboxCreateCmd    `cmd:"" help:"Make a sandbox and start it."`
	List      sandboxListCmd      `cmd:"" help:"List your sandboxes."`
	Show      sandboxShowCmd      `cmd:"" help:"Tell how a sandbox is."`
	Exec      sandboxExecCmd      `cmd:"" help:"Run a command in a sandbox."`
	Run       sandboxRunCmd       `cmd:"" help:"Run a program of Python, Node or bash in a sandbox."`
	Shell     sandboxShellCmd     `cmd:"" help:"Work in a sandbox by a terminal."`
	Ls        sandboxLsCmd        `cmd:"" help:"List files of a sandbox."`
	Cp        sandboxCpCmd        `cmd:"" help:"Copy a file into a sandbox or out of it."`
	Pause     sandboxPauseCmd     `cmd:"" help:"Stop all that runs in a sandbox."`
	Resume    sandboxResumeCmd    `cmd:"" help:"Let a sandbox go on."`
	Rm        sandboxRmCmd        `cmd:"" help:"Remove a sandbox with all that it holds."`
	Stats     sandboxStatsCmd     `cmd:"" help:"What a sandbox uses, and what it has cost."`
	Usage     sandboxUsageCmd     `cmd:"" help:"What your sandboxes have used and cost, by day."`
	Templates sandboxTemplatesCmd `cmd:"" help:"What sandboxes can begin with, and what runs them."`
	Settings  sandboxSettingsCmd  `cmd:"" help:"Isolation, bounds and prices; changing them is for operators."`
}

type sandboxView struct {
	ID        string  `json:"sandbox_id"`
	Name      string  `json:"name"`
	State     string  `json:"state"`
	Template  string  `json:"template"`
	Runtime   string  `json:"runtime"`
	Isolation string  `json:"isolation"`
	MemoryMB  int64   `json:"memory_mb"`
	CPUs      float64 `json:"cpus"`
	DiskMB    int64   `json:"disk_mb"`
	Preserved string  `json:"preserved"`
	Cold      bool    `json:"cold"`
	CreatedAt string  `json:"created_at"`
	Problem   string  `json:"problem"`
}

// condition says in words how a sandbox is.
func (v sandboxView) condition() string {
	if v.State == "paused" && v.Cold {
		return "paused, holding no memory"
	}
	return v.State
}

func (c *console) sandbox(v sandboxView) {
	c.pairs("id", v.ID, "name", v.Name, "state", v.condition(), "template", v.Template, "runtime", v.Runtime+" ("+v.Isolation+" isolation)",
		"memory", fmt.Sprintf("%d MiB", v.MemoryMB), "processors", fmt.Sprintf("%g", v.CPUs), "disk", fmt.Sprintf("%d MiB", v.DiskMB), "created", v.CreatedAt, "problem", v.Problem)
}

type sandboxCreateCmd struct {
	Name     string            `placeholder:"TEXT" help:"A name for people."`
	Template string            `placeholder:"ID" help:"What it begins with; system when left out."`
	Memory   int               `placeholder:"MIB" help:"MiB of memory."`
	CPUs     float64           `name:"cpus" placeholder:"N" help:"Processors."`
	Disk     int               `placeholder:"MIB" help:"MiB of disk."`
	Timeout  int               `placeholder:"SECONDS" help:"Without any work for so long, it is paused."`
	Lifetime int               `placeholder:"SECONDS" help:"It runs for so long at most."`
	Env      map[string]string `placeholder:"NAME=VALUE" help:"Environment of every command."`
}

// Run makes a sandbox and prints its id.
func (c *sandboxCreateCmd) Run(ctx context.Context, at *client, con *console) error {
	in := map[string]any{}
	for name, v := range map[string]int{"memory_mb": c.Memory, "disk_mb": c.Disk, "timeout": c.Timeout, "lifetime": c.Lifetime} {
		if v != 0 {
			in[name] = v
		}
	}
	for name, v := range map[string]string{"name": c.Name, "template": c.Template} {
		if v != "" {
			in[name] = v
		}
	}
	if c.CPUs != 0 {
		in["cpus"] = c.CPUs
	}
	if len(c.Env) > 0 {
		in["env"] = c.Env
	}
	return show(ctx, at, con, post(in, "v1", "sandboxes"), func(v sandboxView) {
		con.note("It runs by %s (%s isolation). Work in it: patchbay sandbox shell %s", clean(v.Runtime), clean(v.Isolation), clean(v.ID))
		con.say("%s", clean(v.ID))
	})
}

type sandboxListCmd struct{}

// Run lists sandboxes.
func (c *sandboxListCmd) Run(ctx context.Context, at *client, con *console) error {
	return showList(ctx, at, con, get(nil, "v1", "sandboxes"), "You have no sandboxes. Make one: patchbay sandbox create",
		[]string{"ID", "NAME", "STATE", "TEMPLATE", "RUNTIME", "MEMORY", "DISK", "CREATED"}, func(v sandboxView) []string {
			return []string{v.ID, cut(v.Name, 30), v.condition(), v.Template, v.Runtime, fmt.Sprint(v.MemoryMB, " MiB"), fmt.Sprint(v.DiskMB, " MiB"), v.CreatedAt}
		})
}

// sandboxArg names a sandbox.
type sandboxArg struct {
	ID string `arg:"" name:"sandbox" help:"The sandbox, such as sbx_..."`
}

type sandboxShowCmd struct{ sandboxArg }

// Run shows a sandbox.
func (c *sandboxShowCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, get(nil, "v1", "sandboxes", c.ID), con.sandbox)
}

type sandboxPauseCmd struct {
	sandboxArg
	Cold bool `help:"Give its memory back too, where the runtime can."`
}

// Run pauses a sandbox.
func (c *sandboxPauseCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, post(map[string]any{"cold": c.Cold}, "v1", "sandboxes", c.ID, "pause"), func(v sandboxView) {
		con.say("%s is %s.", clean(v.ID), clean(v.condition()))
	})
}

type sandboxResumeCmd struct{ sandboxArg }

// Run resumes a sandbox and says what it still has.
func (c *sandboxResumeCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, post(map[string]any{}, "v1", "sandboxes", c.ID, "resume"), func(v sandboxView) {
		kept := map[string]string{"memory": " Its processes, memory and files are as they were.", "filesystem": " Its files are as they were; its processes had ended, and none was started again."}[v.Preserved]
		con.say("%s is %s.%s", clean(v.ID), clean(v.condition()), kept)
	})
}

type sandboxRmCmd struct{ sandboxArg }

// Run removes a sandbox.
func (c *sandboxRmCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, request{method: http.MethodDelete, path: []string{"v1", "sandboxes", c.ID}}, func(v sandboxView) {
		con.say("%s is %s.", clean(v.ID), clean(v.State))
	})
}

type sandboxStatsCmd struct{ sandboxArg }

type sandboxUsage struct {
	VCPUSeconds  float64 `json:"vcpu_seconds"`
	GiBSeconds   float64 `json:"gib_seconds"`
	DiskGiBHours float64 `json:"disk_gib_hours"`
	Cost         float64 `json:"cost"`
}

// Run shows what a sandbox uses.
func (c *sandboxStatsCmd) Run(ctx context.Context, at *client, con *console) error {
	type stats struct {
		Memory    uint64       `json:"memory_bytes"`
		MemoryMax uint64       `json:"memory_limit_bytes"`
		CPU       float64      `json:"cpu_seconds"`
		Processes uint64       `json:"processes"`
		Disk      uint64       `json:"disk_used_bytes"`
		DiskMax   uint64       `json:"disk_limit_bytes"`
		Stored    uint64       `json:"stored_bytes"`
		Usage     sandboxUsage `json:"usage"`
	}
	return show(ctx, at, con, get(nil, "v1", "sandboxes", c.ID, "stats"), func(v stats) {
		con.pairs("memory", fmt.Sprintf("%.1f of %.0f MiB", mib(v.Memory), mib(v.MemoryMax)), "processor time", fmt.Sprintf("%.2f s", v.CPU), "processes", fmt.Sprint(v.Processes),
			"disk", fmt.Sprintf("%.1f of %.0f MiB", mib(v.Disk), mib(v.DiskMax)), "takes on the host's disk", fmt.Sprintf("%.1f MiB", mib(v.Stored)),
			"metered", fmt.Sprintf("%.1f vCPU-seconds, %.1f GiB-seconds, %.4f GiB-hours of disk", v.Usage.VCPUSeconds, v.Usage.GiBSeconds, v.Usage.DiskGiBHours),
			"cost", fmt.Sprintf("%.6f", v.Usage.Cost))
	})
}

func mib(n uint64) float64 { return float64(n) / (1 << 20) }

type sandboxUsageCmd struct {
	From string `placeholder:"DAY" help:"First day, such as 2026-05-01; 30 days ago when left out."`
	To   string `placeholder:"DAY" help:"Last day; today when left out."`
	All  bool   `help:"Everybody's; for operators."`
}

// Run shows usage by day.
func (c *sandboxUsageCmd) Run(ctx context.Context, at *client, con *console) error {
	type item struct {
		Sandbox string `json:"sandbox_id"`
		User    string `json:"user"`
		Day     string `json:"day"`
		sandboxUsage
	}
	all := ""
	if c.All {
		all = "true"
	}
	return showList(ctx, at, con, get(query("from", c.From, "to", c.To, "all", all), "v1", "sandboxes", "usage"), "Nothing was metered.",
		[]string{"DAY", "SANDBOX", "USER", "VCPU-SECONDS", "GIB-SECONDS", "DISK GIB-HOURS", "COST"}, func(v item) []string {
			return []string{v.Day, v.Sandbox, v.User, fmt.Sprintf("%.1f", v.VCPUSeconds), fmt.Sprintf("%.1f", v.GiBSeconds), fmt.Sprintf("%.4f", v.DiskGiBHours), fmt.Sprintf("%.6f", v.Cost)}
		})
}

type sandboxTemplatesCmd struct{}

// Run lists templates and runtimes.
func (c *sandboxTemplatesCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, get(nil, "v1", "sandboxes", "templates"), func(v struct {
		Templates []struct{ ID, Description, Missing string }
		Runtimes  []struct {
			Name, Version, Missing string
			Strong                 bool
		}
	}) {
		for _, t := range v.Templates {
			con.say("template %s: %s %s", clean(t.ID), clean(t.Description), clean(t.Missing))
		}
		for _, r := range v.Runtimes {
			con.say("runtime %s %s %s", clean(r.Name), clean(r.Version), clean(r.Missing))
		}
	})
}

type sandboxSettingsCmd struct {
	Set map[string]string `placeholder:"NAME=VALUE" help:"Change a setting, such as isolation=require-strong or prices.vcpu_second=0.00002."`
}

// Run shows or changes the settings.
func (c *sandboxSettingsCmd) Run(ctx context.Context, at *client, con *console) error {
	r := get(nil, "v1", "sandboxes", "settings")
	if len(c.Set) > 0 {
		r = request{method: http.MethodPut, path: []string{"v1", "sandboxes", "settings"}, in: settingsObject(c.Set)}
	}
	raw, err := at.ask(ctx, r)
	if err != nil {
		return err
	}
	return con.document(raw)
}

// settingsObject makes an object of names with dots and values, which are numbers where they look like one.
func settingsObject(pairs map[string]string) map[string]any {
	out := map[string]any{}
	for name, text := range pairs {
		var value any = text
		var n float64
		if _, err := fmt.Sscanf(text+"\n", "%g\n", &n); err == nil {
			value = n
		}
		outer, inner, nested := strings.Cut(name, ".")
		if !nested {
			out[name] = value
			continue
		}
		group, ok := out[outer].(map[string]any)
		if !ok {
			group = map[string]any{}
			out[outer] = group
		}
		group[inner] = value
	}
	return out
}

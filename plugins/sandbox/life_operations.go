package main

import "github.com/patchbay/patchbay/sdk"

type createInput struct {
	Template string            `json:"template,omitempty" jsonschema:"what it begins with; list_templates tells what there is" maxLength:"64"`
	Timeout  int               `json:"timeout,omitempty" jsonschema:"seconds without any work after which it is paused" minimum:"10" maximum:"604800"`
	Lifetime int               `json:"lifetime,omitempty" jsonschema:"seconds of running after which it is paused for good until set_timeout gives it more" minimum:"60" maximum:"2592000"`
	MemoryMB int               `json:"memory_mb,omitempty" jsonschema:"MiB of memory" minimum:"64" maximum:"1048576"`
	CPUs     float64           `json:"cpus,omitempty" jsonschema:"processors" minimum:"0.05" maximum:"256"`
	DiskMB   int               `json:"disk_mb,omitempty" jsonschema:"MiB of disk" minimum:"32" maximum:"1048576"`
	Env      map[string]string `json:"env,omitempty" jsonschema:"environment of every command"`
	Network  string            `json:"network,omitempty" jsonschema:"none: only its own loopback" enum:"none"`
	Metadata map[string]string `json:"metadata,omitempty" jsonschema:"your own words about it"`
	Name     string            `json:"name,omitempty" jsonschema:"a name for people" maxLength:"100"`
}

type boxInput struct {
	SandboxID string `json:"sandbox_id" jsonschema:"the sandbox, such as sbx_..." maxLength:"64"`
}

type pauseInput struct {
	boxIDInput
	Cold bool `json:"cold,omitempty" jsonschema:"give its memory back too; where the runtime cannot, it stays paused with it"`
}

// boxIDInput is embedded.
type boxIDInput = boxInput

type timeoutInput struct {
	boxIDInput
	Timeout  int `json:"timeout,omitempty" jsonschema:"seconds without any work after which it is paused" minimum:"10" maximum:"604800"`
	Lifetime int `json:"lifetime,omitempty" jsonschema:"seconds of running, from now on" minimum:"60" maximum:"2592000"`
}

type boxOutput struct {
	SandboxID string            `json:"sandbox_id"`
	Name      string            `json:"name"`
	State     string            `json:"state" jsonschema:"creating, running, paused, destroying, destroyed or lost"`
	Template  string            `json:"template"`
	Runtime   string            `json:"runtime"`
	Isolation string            `json:"isolation" jsonschema:"strong or container"`
	MemoryMB  int               `json:"memory_mb"`
	CPUs      float64           `json:"cpus"`
	DiskMB    int               `json:"disk_mb"`
	Network   string            `json:"network"`
	Timeout   int               `json:"timeout"`
	Lifetime  int               `json:"lifetime"`
	Metadata  map[string]string `json:"metadata"`
	Preserved string            `json:"preserved,omitempty" jsonschema:"what the last resume found: memory or filesystem"`
	Cold      bool              `json:"cold" jsonschema:"paused without holding memory"`
	CreatedAt string            `json:"created_at"`
	Problem   string            `json:"problem,omitempty"`
}

type boxList struct {
	Items []boxOutput `json:"items"`
}

type metricsOutput struct {
	MemoryBytes      uint64             `json:"memory_bytes"`
	MemoryLimitBytes uint64             `json:"memory_limit_bytes"`
	CPUSeconds       float64            `json:"cpu_seconds"`
	Processes        uint64             `json:"processes"`
	DiskUsedBytes    uint64             `json:"disk_used_bytes"`
	DiskLimitBytes   uint64             `json:"disk_limit_bytes"`
	StoredBytes      uint64             `json:"stored_bytes"`
	Usage            map[string]float64 `json:"usage" jsonschema:"what was metered: vcpu_seconds, gib_seconds, disk_gib_hours, cost"`
}

type templatesOutput struct {
	Templates []templateOutput `json:"templates"`
	Runtimes  []runtimeOutput  `json:"runtimes"`
}

type templateOutput struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	Missing     string `json:"missing,omitempty"`
}

type runtimeOutput struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Strong  bool   `json:"strong"`
	Missing string `json:"missing,omitempty"`
}

func lifeOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "create", Effect: sdk.Write, Run: sdk.Hosted[createInput, boxOutput](),
			Description: "Makes a sandbox and starts it. It is paused, never removed, when nothing happens in it for a while."},
		{Name: "get", Effect: sdk.Read, Run: sdk.Hosted[boxInput, boxOutput](), Description: "Tells how a sandbox is."},
		{Name: "list", Effect: sdk.Read, Run: sdk.Hosted[sdk.None, boxList](), Description: "Lists your sandboxes, the newest first."},
		{Name: "pause", Effect: sdk.Idempotent, Run: sdk.Hosted[pauseInput, boxOutput](),
			Description: "Stops all that runs in a sandbox. Files stay; processes do too, as long as the machine does not restart or the runtime can store them."},
		{Name: "resume", Effect: sdk.Idempotent, Run: sdk.Hosted[boxInput, boxOutput](),
			Description: "Lets a sandbox go on, and says whether its processes are still there or its files alone."},
		{Name: "set_timeout", Effect: sdk.Idempotent, Run: sdk.Hosted[timeoutInput, boxOutput](), Description: "Sets after how long without work a sandbox is paused, and how long it may run from now on."},
		{Name: "destroy", Effect: sdk.Idempotent, Run: sdk.Hosted[boxInput, boxOutput](), Description: "Removes a sandbox with all that it holds."},
		{Name: "metrics", Effect: sdk.Read, Run: sdk.Hosted[boxInput, metricsOutput](), Description: "Tells what a sandbox uses now, and what it has cost."},
		{Name: "list_templates", Effect: sdk.Read, Run: sdk.Hosted[sdk.None, templatesOutput](), Description: "Lists what sandboxes can begin with, and what runs them."},
	}
}

package main

// grammar is every command with its flags. Flags stand over PATCHBAY_* variables, and those over patchbay.yaml.
type grammar struct {
	Config string `env:"PATCHBAY_CONFIG" placeholder:"FILE" help:"Settings of serve, in YAML; patchbay.yaml in the working directory when left out."`
	JSON   bool   `name:"json" help:"Print what the host answered as JSON; errors too, on standard error."`
	connection

	Platforms    platformsCmd    `cmd:"" group:"use" help:"List platforms, or show one, or one operation with its schemas."`
	Platform     platformCmd     `cmd:"" group:"operate" help:"Settings of a platform, for operators."`
	Connect      connectCmd      `cmd:"" group:"use" help:"Connect an account of a platform."`
	ConnectLink  connectLinkCmd  `cmd:"" name:"connect-link" group:"use" help:"Make a link, good once and for 30 minutes, on which somebody connects an account for you."`
	Integrations integrationsCmd `cmd:"" group:"use" help:"List the accounts you have connected."`
	Integration  integrationCmd  `cmd:"" group:"use" help:"Show, change, test, switch off or delete one connected account."`
	Call         callCmd         `cmd:"" group:"use" help:"Run an operation."`
	Pool         poolCmd         `cmd:"" group:"use" help:"Pools: several accounts of a platform, used in turn."`
	Workflow     workflowCmd     `cmd:"" group:"use" help:"Workflows: operations that follow one another."`
	Run          runCmd          `cmd:"" group:"use" help:"Runs of workflows."`
	Calls        callsCmd        `cmd:"" group:"use" help:"Your calls, the newest first."`
	Usage        usageCmd        `cmd:"" group:"use" help:"Sum your calls up."`
	Alert        alertCmd        `cmd:"" group:"use" help:"Thresholds and budgets of your usage."`
	Sandbox      sandboxCmd      `cmd:"" group:"use" help:"Sandboxes: persistent places to run code."`
	Events       eventsCmd       `cmd:"" group:"use" help:"What happened, the newest first."`
	Webhook      webhookCmd      `cmd:"" group:"use" help:"Webhooks: addresses that are told what happened."`

	Login  loginCmd  `cmd:"" group:"identity" help:"Keep the address of a host and a token for it."`
	Logout logoutCmd `cmd:"" group:"identity" help:"Forget what login kept."`
	Me     meCmd     `cmd:"" group:"identity" help:"Show who you are to the host."`
	Token  tokenCmd  `cmd:"" group:"identity" help:"API tokens."`
	User   userCmd   `cmd:"" group:"operate" help:"Users, for operators."`

	Serve   serveCmd   `cmd:"" group:"operate" help:"Run the host."`
	Revoke  revokeCmd  `cmd:"" group:"operate" help:"Kill switch: take all credentials of a user or a platform out of use, and end their grants."`
	Hosts   hostsCmd   `cmd:"" group:"operate" help:"List the live hosts of the cluster."`
	Prices  pricesCmd  `cmd:"" group:"operate" help:"Prices by which calls are charged where the platform does not say what they cost."`
	Adapter adapterCmd `cmd:"" group:"operate" help:"Adapters: the programs that speak to platforms."`
	Key     keyCmd     `cmd:"" group:"operate" help:"Encryption keys: what is in use, rotation, retirement."`
	Audit   auditCmd   `cmd:"" group:"operate" help:"The record of who did what."`
	Doctor  doctorCmd  `cmd:"" group:"operate" help:"Try on this machine what confines adapters."`

	Completions completionsCmd `cmd:"" group:"shell" help:"Completions for bash, zsh and fish."`
	Version     versionCmd     `cmd:"" group:"shell" help:"Print the version of this program."`
}

// connection says which host the commands speak to, and as whom.
type connection struct {
	URL    string `name:"url" group:"connection" env:"PATCHBAY_URL" placeholder:"URL" help:"Address of the host."`
	Token  string `name:"token" group:"connection" env:"PATCHBAY_TOKEN" placeholder:"pb_..." help:"API token. As a flag, other users of this machine can see it: prefer the variable, or login."`
	CAFile string `name:"ca-file" aliases:"ca" group:"connection" env:"PATCHBAY_CA_FILE,PATCHBAY_CA" placeholder:"FILE" help:"PEM certificates of a private authority that signed the host's certificate."`
	Data   string `name:"data" group:"connection" env:"PATCHBAY_DATA" placeholder:"FOLDER" help:"Data folder of the host on this machine; ~/.patchbay when left out."`
	As     string `name:"as-user" group:"connection" placeholder:"ID" help:"With a service token: the user to act for."`

	// fileData is the data folder that a patchbay.yaml found in the working directory names.
	fileData string
}

// description is the text of `patchbay --help`, with the exit codes from their one table.
func description() string {
	return `Patchbay holds the accounts you connect and runs their platforms' operations for you.

On the machine of a running host every command works at once:

    patchbay platforms
    patchbay connect slack --field-file token=./bot-token
    patchbay call slack.send_message --input '{"channel":"C0123","text":"hello"}'

From elsewhere, say which host first:

    patchbay login https://patchbay.example.com

` + exitTable()
}

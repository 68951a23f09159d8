package main

import (
	_ "embed"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icon.svg
var icon []byte

func adapter() sdk.Adapter {
	return sdk.Adapter{Name: "remote-server", Version: version, Platforms: []sdk.Platform{{
		ID: "remote-server", Name: "Remote Server", Category: sdk.Internal, Icon: icon,
		Description: "Runs commands and scripts on a machine by SSH, and reads, writes and moves its files by SFTP.",
		Website:     "https://www.openssh.com/",
		Auth:        []sdk.AuthMethod{credentialMethod()},
		Verify:      verify,
		VerifyNote:  "Signs in and runs the command \"true\". With an empty host key it shows the server's key and pins it: compare the fingerprint with the server's own.",
		Operations:  slices.Concat(commandOperations(), fileOperations(), treeOperations(), transferOperations()),
	}}}
}

func credentialMethod() sdk.AuthMethod {
	return sdk.AuthMethod{
		Type: sdk.MethodCustom, Label: "SSH key or password",
		Help: "Make a key for this purpose alone (ssh-keygen -t ed25519 -f patchbay), add patchbay.pub to the user's ~/.ssh/authorized_keys on the server, and paste the private key. " +
			"The server's fingerprint is printed there by: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
		HostField: "host", PortField: "port", DefaultPort: 22,
		Fields: []sdk.Field{
			{Name: "host", Label: "Host", Help: "Name or address of the server.", Required: true, Pattern: `[A-Za-z0-9._:-]{1,253}`},
			{Name: "port", Label: "Port", Default: "22", Pattern: `[0-9]{1,5}`},
			{Name: "username", Label: "User", Required: true, Pattern: `[^\x00-\x1f\x7f]{1,128}`},
			{Name: "private_key", Label: "Private key", Secret: true, Multiline: true,
				Help: "An ed25519 key, or an RSA key of 2048 bits or more, in OpenSSH or PEM form. Leave it empty to use a password."},
			{Name: "passphrase", Label: "Passphrase", Secret: true, Help: "Of the private key, where it has one."},
			{Name: "password", Label: "Password", Secret: true, Help: "A key is safer."},
			{Name: "host_key", Label: "Host key",
				Help: "The server's fingerprint (SHA256:...) or its whole public key line. When it is empty, the key seen on connecting is pinned; another key is refused from then on."},
		},
	}
}

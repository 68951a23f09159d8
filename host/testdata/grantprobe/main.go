// Command grantprobe is an adapter that tries what only a grant allows, and says how that went.
package main

import (
	"context"
	"os"

	"golang.org/x/sys/unix"

	"github.com/patchbay/patchbay/sdk"
)

var version = "0.0.0-dev"

type try struct {
	// What is read (a file), dial (an address) or unshare (a namespace).
	What string `json:"what"`
	On   string `json:"on,omitempty"`
}

type outcome struct {
	Error string `json:"error"`
	UID   int    `json:"uid"`
}

func attempt(ctx context.Context, call *sdk.Call, in try) (outcome, error) {
	var err error
	switch in.What {
	case "read":
		_, err = os.ReadFile(in.On)
	case "dial":
		_, err = sdk.Dial(ctx, call, in.On)
	case "unshare":
		err = unix.Unshare(unix.CLONE_NEWUTS)
	case "connect":
		var fd int
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); err == nil {
			err = unix.Connect(fd, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}})
		}
	}
	out := outcome{UID: os.Getuid()}
	if err != nil {
		out.Error = err.Error()
	}
	return out, nil
}

func main() {
	sdk.Serve(sdk.Adapter{Name: "grantprobe", Version: version, Platforms: []sdk.Platform{{
		ID: "grantprobe", Name: "Grants", Category: sdk.Tools, Description: "Tries what a grant allows.", BaseURL: "https://grants.example",
		Auth: []sdk.AuthMethod{sdk.Bearer("Token", "Any.")},
		Verify: func(context.Context, *sdk.Call) (sdk.Account, error) {
			return sdk.Account{ID: "1", Name: "nobody"}, nil
		},
		Operations: []sdk.Operation{{Name: "try", Effect: sdk.Read, Description: "Tries.", Run: sdk.Func(attempt)}},
	}}})
}

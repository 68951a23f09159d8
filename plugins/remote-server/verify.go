package main

import (
	"context"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// verifyTime bounds the one command of a test.
const verifyTime = 15 * time.Second

// verify signs in and runs `true`. Where no host key is pinned yet, it answers the one that the server showed, to be pinned.
func verify(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	l, err := readLogin(call.Credential)
	if err != nil {
		return sdk.Account{}, err
	}
	j, err := place{}.program("", nil, "true")
	if err != nil {
		return sdk.Account{}, err
	}
	j.limit = verifyTime
	m, err := signIn(ctx, call, l)
	if err != nil {
		return sdk.Account{}, err
	}
	defer m.leave()
	done, err := m.run(ctx, j)
	if err != nil {
		return sdk.Account{}, err
	}
	if done.ExitCode != 0 {
		return sdk.Account{}, sdk.Errorf(sdk.PermissionDenied, "The server lets this user sign in but not run commands (\"true\" ended with status %d).", done.ExitCode)
	}
	account := sdk.Account{ID: l.user + "@" + l.address(), Name: l.user + "@" + l.host}
	if l.pin.empty() {
		account.Observed = map[string]string{"host_key": m.hostKey}
	}
	return account, nil
}

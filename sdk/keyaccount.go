package sdk

// KeyAccount names an account by the end of its one secret, for platforms that do not say whose it is. Of a short secret nothing is shown.
func KeyAccount(call *Call, what string) Account {
	const shown, shortest = 4, 20
	name := what
	if key := call.Credential.Token(); len(key) >= shortest {
		name += " ending in " + key[len(key)-shown:]
	}
	return Account{ID: name, Name: name}
}

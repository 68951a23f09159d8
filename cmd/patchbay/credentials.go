package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// credentials are what login stores: a host and a token for it, in a file of mode 0600.
type credentials struct {
	URL    string `json:"url"`
	Token  string `json:"token"`
	CAFile string `json:"ca_file,omitempty"`
}

// credentialsPath is ~/.config/patchbay/credentials.json, or below XDG_CONFIG_HOME.
func credentialsPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("finding your settings folder: %w", err)
	}
	return filepath.Join(dir, "patchbay", "credentials.json"), nil
}

// readCredentials answers what login stored, or nothing.
func readCredentials(path string) (credentials, error) {
	raw, err := readPrivate(path)
	if errors.Is(err, os.ErrNotExist) {
		return credentials{}, nil
	}
	if err != nil {
		return credentials{}, fmt.Errorf("reading what login stored: %w", err)
	}
	var c credentials
	if err := json.Unmarshal(raw, &c); err != nil {
		return credentials{}, fmt.Errorf("%s is damaged: run `patchbay login` again", path) // the cause could quote the token
	}
	return c, nil
}

// write replaces the file at once, so that no other program sees a part of it.
func (c credentials) write(path string) error {
	raw, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return errors.New("encoding the credentials") // the cause could quote the token
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the settings folder: %w", err)
	}
	f, err := os.CreateTemp(dir, ".credentials-*") // mode 0600
	if err != nil {
		return fmt.Errorf("storing the token: %w", err)
	}
	_, err = f.Write(append(raw, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // what was not finished
		return fmt.Errorf("storing the token: %w", err)
	}
	return nil
}

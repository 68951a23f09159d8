package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// newPassword answers 32 random bytes in hex, which need no quoting anywhere.
func newPassword() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: it ends the process instead
	return hex.EncodeToString(raw)
}

// writePassword replaces the file, for the host alone to read, and waits until it is on disk.
func writePassword(path, password string) error {
	temp := path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing an unfinished password file: %w", err)
	}
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("making the password file: %w", err)
	}
	_, err = file.WriteString(password)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("writing the password file: %w", err)
	}
	return os.Rename(temp, path)
}

// password reads the password of the role. When the file is gone or damaged the role gets a new one: whoever holds the
// data directory holds the database.
func (c *cluster) password(ctx context.Context) (string, error) {
	path := c.files.password()
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("reading the database's password: %w", err)
	}
	if err == nil && hexDigest.Match(text) {
		return string(text), os.Chmod(path, 0o600)
	}
	password := newPassword()
	if err := c.alone(ctx, c.files.cluster(), "ALTER ROLE "+role+" PASSWORD '"+password+"'\n"); err != nil {
		return "", fmt.Errorf("setting a new password, for %s holds none: %w", path, err)
	}
	return password, writePassword(path, password)
}

// location is the URL under which the role reaches the database.
func location(socketDir, password string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(role, password), Path: "/" + database}
	query := url.Values{"host": {socketDir}, "port": {strconv.Itoa(port)}, "sslmode": {"disable"}}.Encode()
	u.RawQuery = strings.ReplaceAll(query, "+", "%20") // PostgreSQL's clients take a plus as a plus
	return u.String()
}

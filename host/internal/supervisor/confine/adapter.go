package confine

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
)

// AdapterRlimits are what every adapter may use of the machine. Threads are counted for a user id, so they are bounded only where the
// adapter has one of its own.
func AdapterRlimits(ownUID bool) Rlimits {
	limits := Rlimits{OpenFiles: 4096, DataBytes: 1 << 30, FileBytes: 64 << 20}
	if ownUID {
		limits.Tasks = 512
	}
	return limits
}

// FreshUID answers a user id for one launch that nobody else has: a random one out of the upper part of those that this user namespace
// knows, which no account of a distribution uses. It fails where there are too few. Only root can give it to a program.
func FreshUID() (int, error) {
	raw, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return 0, fmt.Errorf("looking for a user id: %w", err)
	}
	var first, size uint64
	for line := range strings.Lines(string(raw)) {
		var inside, outside, count uint64
		if _, err := fmt.Sscan(line, &inside, &outside, &count); err == nil && count > size {
			first, size = inside, count
		}
	}
	low, width := first+1<<30, uint64(1<<29)
	if size < 1<<31 { // a container with a few user ids: the last eighth of them, but for nobody and nogroup
		width = size / 8
		low = first + size - width - 2
	}
	if width < 1000 {
		return 0, errors.New("this user namespace has too few user ids to give each adapter its own; run the host as an ordinary user")
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // documented never to fail
	return int(low + binary.BigEndian.Uint64(b[:])%width), nil
}

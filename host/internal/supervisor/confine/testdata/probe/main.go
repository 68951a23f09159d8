// Command probe is a hostile program: run confined, it tries one way out and says how far it got.
//
//	probe ATTEMPT [ARGUMENT...]
//
// It prints "allowed", with what it gained, or "refused" with the error. An attempt may also end it by a signal.
package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	attempts := map[string]func(args []string) (string, error){}
	for _, family := range []map[string]func(args []string) (string, error){files(), sockets(), processes(), kernel(), good()} {
		for name, attempt := range family {
			attempts[name] = attempt
		}
	}
	if len(os.Args) < 2 || attempts[os.Args[1]] == nil {
		fmt.Println("unknown attempt")
		os.Exit(2)
	}
	gained, err := attempts[os.Args[1]](os.Args[2:])
	if err != nil {
		fmt.Println("refused:", err)
		return
	}
	fmt.Println("allowed:", gained)
}

// errNothing is for an attempt that was not refused in so many words, and got nothing.
var errNothing = errors.New("without effect")

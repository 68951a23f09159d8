package main

import (
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// scopePrefix is what the names of Google's scopes begin with.
const scopePrefix = "https://www.googleapis.com/auth/"

// wholeMailbox is the one scope that begins otherwise.
const wholeMailbox = "https://mail.google.com/"

// scope answers scopes by their full names.
func scope(names ...string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = scopePrefix + name
		if name == wholeMailbox {
			out[i] = name
		}
	}
	return out
}

// asked are the scopes that each platform's sign-in asks for.
func asked() map[string][]string {
	return map[string][]string{
		"gmail":           {"gmail.send", "gmail.readonly", "gmail.compose", "gmail.modify", "gmail.labels"},
		"google-sheets":   {"spreadsheets.readonly", "spreadsheets", "drive.metadata.readonly"},
		"google-drive":    {"drive.readonly", "drive.file", "drive"},
		"google-calendar": {"calendar.readonly", "calendar"},
		"google": {"documents.readonly", "documents", "contacts.readonly", "contacts.other.readonly", "contacts", "tasks.readonly", "tasks",
			"drive.metadata.readonly"},
		"youtube": {"youtube.readonly", "youtube.force-ssl", "youtube.upload"},
	}
}

// instead are the scopes that Google accepts in place of each, for every method that our operations call with it. Source: the "scopes" of the methods in
// Google's discovery documents; for Tasks developers.google.com/workspace/tasks/auth. drive.file is good for the files that were made or opened by the same
// client: others are not found with it.
func instead() map[string][]string {
	return map[string][]string{
		"gmail.send":              {"gmail.compose", "gmail.modify", wholeMailbox},
		"gmail.readonly":          {"gmail.modify", wholeMailbox},
		"gmail.compose":           {"gmail.modify", wholeMailbox},
		"gmail.modify":            {wholeMailbox},
		"gmail.labels":            {"gmail.modify", wholeMailbox},
		"spreadsheets.readonly":   {"spreadsheets", "drive.file", "drive.readonly", "drive"},
		"spreadsheets":            {"drive.file", "drive"},
		"drive.metadata.readonly": {"drive.metadata", "drive.file", "drive.readonly", "drive"},
		"drive.readonly":          {"drive.file", "drive"},
		"drive.file":              {"drive"},
		"drive":                   {"drive.file"},
		"calendar.readonly":       {"calendar"},
		"documents.readonly":      {"documents", "drive.file", "drive.readonly", "drive"},
		"documents":               {"drive.file", "drive"},
		"contacts.readonly":       {"contacts"},
		"tasks.readonly":          {"tasks"},
		"youtube.readonly":        {"youtube", "youtube.force-ssl"},
		"youtube.upload":          {"youtube", "youtube.force-ssl"},
	}
}

// widened turns each scope of the operations into the set of those that are as good. Where an operation has sets of its own, these stay.
func widened(platforms ...sdk.Platform) []sdk.Platform {
	others := instead()
	for _, p := range platforms {
		for i := range p.Operations {
			op := &p.Operations[i]
			var alone []string
			for _, one := range op.Scopes {
				if as := others[strings.TrimPrefix(one, scopePrefix)]; as != nil {
					op.AnyScopes = append(op.AnyScopes, append([]string{one}, scope(as...)...))
				} else {
					alone = append(alone, one)
				}
			}
			op.Scopes = alone
		}
	}
	return platforms
}

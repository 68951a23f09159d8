package main

import "github.com/patchbay/patchbay/sdk"

type readInput struct {
	pathInput
	StartLine int `json:"start_line,omitempty" jsonschema:"from 1" minimum:"1"`
	NumLines  int `json:"num_lines,omitempty" minimum:"1"`
	MaxKB     int `json:"max_kb,omitempty" minimum:"1" maximum:"4096" default:"256"`
}

// pathInput is one path of a sandbox.
type pathInput = onePath

type onePath struct {
	boxIDInput
	Path string `json:"path" jsonschema:"relative to /workspace" minLength:"1" maxLength:"4096"`
}

type readOutput struct {
	Content   string `json:"content"`
	Size      int64  `json:"size"`
	Truncated bool   `json:"truncated"`
}

type writeInput struct {
	pathInput
	Content string `json:"content" maxLength:"4194304"`
	Mode    string `json:"mode,omitempty" jsonschema:"in octal, such as 0644" pattern:"^[0-7]{3,4}$"`
}

type editInput struct {
	pathInput
	OldString  string `json:"old_string" minLength:"1" maxLength:"1048576"`
	NewString  string `json:"new_string" maxLength:"1048576"`
	ReplaceAll bool   `json:"replace_all,omitempty"`
}

type editOutput struct {
	Replacements int `json:"replacements"`
}

type listInput struct {
	boxIDInput
	Path      string `json:"path,omitempty" jsonschema:"/workspace when left out" maxLength:"4096"`
	Recursive bool   `json:"recursive,omitempty"`
	Pattern   string `json:"pattern,omitempty" jsonschema:"shell pattern of the names" maxLength:"255"`
}

type fileOutput struct {
	Path       string `json:"path"`
	Kind       string `json:"kind" jsonschema:"file, folder, link or other"`
	Size       int64  `json:"size"`
	Mode       string `json:"mode"`
	ModifiedAt string `json:"modified_at"`
	Target     string `json:"target,omitempty"`
}

type filesOutput struct {
	Items     []fileOutput `json:"items"`
	Truncated bool         `json:"truncated"`
}

type moveInput struct {
	pathInput
	To string `json:"to" minLength:"1" maxLength:"4096"`
}

type removeInput struct {
	pathInput
	Recursive bool `json:"recursive,omitempty"`
}

type existsOutput struct {
	Exists bool        `json:"exists"`
	File   *fileOutput `json:"file,omitempty"`
}

type bytesInput struct {
	pathInput
	ContentBase64 string `json:"content_base64,omitempty" jsonschema:"or a file with the call" maxLength:"8388608"`
}

func fileOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "read_file", Effect: sdk.Read, Run: sdk.Hosted[readInput, readOutput](), Description: "Reads a text file, or some lines of it."},
		{Name: "write_file", Effect: sdk.Idempotent, Run: sdk.Hosted[writeInput, fileOutput](), Description: "Writes a text file, with the folders that it needs."},
		{Name: "edit_file", Effect: sdk.Write, Run: sdk.Hosted[editInput, editOutput](),
			Description: "Replaces a text in a file. Refuses one that is not there, or is there more than once unless all are to be replaced."},
		{Name: "list_files", Effect: sdk.Read, Run: sdk.Hosted[listInput, filesOutput](), Description: "Lists files, 10,000 at most."},
		{Name: "make_dir", Effect: sdk.Idempotent, Run: sdk.Hosted[onePath, sdk.None](), Description: "Makes a folder, and those above it."},
		{Name: "move", Effect: sdk.Write, Run: sdk.Hosted[moveInput, sdk.None](), Description: "Moves a file or a folder."},
		{Name: "remove", Effect: sdk.Write, Run: sdk.Hosted[removeInput, sdk.None](), Description: "Removes a file or a folder; one with something in it only when asked to."},
		{Name: "exists", Effect: sdk.Read, Run: sdk.Hosted[onePath, existsOutput](), Description: "Tells whether there is something at a path."},
		{Name: "upload", Effect: sdk.Idempotent, TakesFiles: true, Run: sdk.Hosted[bytesInput, fileOutput](), Description: "Writes bytes: those given, or a file that comes with the call."},
		{Name: "download", Effect: sdk.Read, GivesFiles: true, Run: sdk.Hosted[onePath, fileOutput](), Description: "Gives a file of up to 64 MiB with the result."},
	}
}

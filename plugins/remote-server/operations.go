package main

import "github.com/patchbay/patchbay/sdk"

// Paths are described once.
const pathNote = " Paths are absolute, or relative to the user's home (~ is the home)."

// fileOperations read and write files.
func fileOperations() []sdk.Operation {
	const beside = " The new content is written beside the old and then takes its place, with the old owner and permissions; where the directory does not allow that, it is written in place. A symbolic link is followed."
	return []sdk.Operation{
		{
			Name: "read_file", Effect: sdk.Read, Run: overSFTP(readFile),
			Description: "Reads lines of a text file, 2,000 lines and 256 KiB at most unless asked for otherwise; next_line says where to go on. Refuses files that are not UTF-8 text (use download), devices and pipes." + pathNote,
		},
		{
			Name: "write_file", Effect: sdk.Idempotent, Run: overSFTP(writeFile),
			Description: "Writes a whole text file of at most 4 MiB, replacing what was there." + beside + pathNote,
		},
		{
			Name: "edit_file", Effect: sdk.Write, Run: overSFTP(editFile),
			Description: "Replaces a piece of text in a file of at most 4 MiB. The piece must occur exactly once unless replace_all is set. Refuses files that are not UTF-8 text, and files that changed meanwhile." + beside + pathNote,
		},
	}
}

// treeOperations look at directories and change them.
func treeOperations() []sdk.Operation {
	return []sdk.Operation{
		{
			Name: "list_files", Effect: sdk.Read, Run: overSFTP(listFiles),
			Description: "Lists a directory, sorted by path, with sizes, permissions and times; recursively if asked for. Symbolic links are listed and not followed." + pathNote,
		},
		{
			Name: "stat", Effect: sdk.Read, Run: overSFTP(stat),
			Description: "Describes a file, directory or symbolic link: type, size, permissions, owner, time, and where a link points to." + pathNote,
		},
		{
			Name: "make_dir", Effect: sdk.Idempotent, Run: overSFTP(makeDir),
			Description: "Makes a directory; one that is there already is left as it is. Refuses a path where a file is." + pathNote,
		},
		{
			Name: "rename", Effect: sdk.Write, Run: overSFTP(rename),
			Description: "Renames or moves a file or directory within one file system. Refuses to replace anything unless overwrite is set." + pathNote,
		},
		{
			Name: "remove", Effect: sdk.Write, Run: overSFTP(remove),
			Description: "Removes a file, a link (not what it points to) or an empty directory; with recursive a directory and all that is in it. Refuses the root and the user's home. There is no way back." + pathNote,
		},
	}
}

// transferOperations move whole files of any content.
func transferOperations() []sdk.Operation {
	return []sdk.Operation{
		{
			Name: "upload", Effect: sdk.Idempotent, TakesFiles: true, Run: overSFTP(upload),
			Description: "Writes the one file that comes with the call, of any content and as large as the host lets through, replacing what was at the path. A transfer that breaks off leaves the old file as it was." + pathNote,
		},
		{
			Name: "download", Effect: sdk.Read, GivesFiles: true, Run: overSFTP(download),
			Description: "Gives a file of the server, of any content and as large as the host lets through, with the answer. Refuses directories, devices and pipes." + pathNote,
		},
	}
}

package main

import (
	"context"
	_ "embed"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icons/google-drive.svg
var driveIcon []byte

const (
	filePath   = "/drive/v3/files/{file_id}"
	folderMIME = "application/vnd.google-apps.folder"
	// fileFields is what is asked of a file; without it Drive answers little more than the name.
	fileFields = "id,name,mimeType,size,createdTime,modifiedTime,parents,trashed,starred,description,webViewLink,webContentLink,md5Checksum,shared,driveId," +
		"owners(displayName,emailAddress),capabilities(canEdit,canShare,canDelete,canDownload),shortcutDetails"
)

// drive is Google Drive as data.
func drive() sdk.Platform {
	return sdk.Platform{
		ID: "google-drive", Name: "Google Drive", Category: sdk.Productivity, Icon: driveIcon, Website: "https://developers.google.com/workspace/drive/api",
		Description: "Finds, reads, uploads, moves and shares files and folders of Google Drive, shared drives included.",
		BaseURL:     "https://www.googleapis.com", Hosts: []string{identityHost},
		Auth:      []sdk.AuthMethod{oauth("google-drive", "Google Drive")},
		Authorize: authorize, Verify: verify, Explain: explain,
		RateLimits: []sdk.RateLimit{{Calls: 12000, PerSeconds: 60}},
		Operations: slices.Concat(fileOperations(), sharingOperations()),
	}
}

// driveEndpoint is a request to Drive, which has to be told that shared drives count.
func driveEndpoint(method, path string, query ...any) sdk.Endpoint {
	return endpoint(method, path, append(query, "supportsAllDrives", true)...)
}

func fileOperations() []sdk.Operation {
	read, own, all := scope("drive.readonly"), scope("drive.file"), scope("drive")
	return []sdk.Operation{
		{Name: "list_files", Effect: sdk.Read, Scopes: read, Run: sdk.Func(listFiles), Description: "Lists the files and folders in a folder, newest change first, in pages; all that the account can see when no folder is given. root is the account's own drive."},
		{Name: "search_files", Effect: sdk.Read, Scopes: read, Run: sdk.Func(searchFiles), Description: "Finds files by words in their name or content, by kind, owner, or by Drive's own search words in query (such as modifiedTime > '2026-01-01T00:00:00')."},
		{Name: "get_file", Effect: sdk.Read, Scopes: read, Run: sdk.Send[fileInput, object](driveEndpoint("", filePath, "fields", fileFields)), Description: "Answers what is known of a file or folder, without its content."},
		{Name: "download_file", Effect: sdk.Read, Scopes: read, GivesFiles: true, Run: sdk.Func(downloadFile), Description: "Gives a file's content, up to 1 GiB. Google's own documents have none: they are exported as export_as, by default Docs as Markdown, Sheets as CSV (the first sheet), Slides as PDF, of at most 10 MB. Refuses folders and files whose owner forbids it."},
		{Name: "upload_file", Effect: sdk.Write, Scopes: own, TakesFiles: true, Run: sdk.Func(uploadFile), Description: "Uploads the one file that comes with the call as a new file, by Google's resumable protocol. Drive keeps several files of one name side by side. With convert_to it becomes a document of Google's, such as a CSV a spreadsheet."},
		{Name: "update_file_content", Effect: sdk.Idempotent, Scopes: all, TakesFiles: true, Run: sdk.Func(updateContent), Description: "Replaces a file's content by the one file that comes with the call. Drive keeps the version before for a time."},
		{Name: "update_file", Effect: sdk.Idempotent, Scopes: all, Run: sdk.Send[updateFileInput, object](driveEndpoint(http.MethodPatch, filePath, "fields", fileFields)), Description: "Renames, describes, stars or trashes a file or folder, or takes it out of the trash."},
		{Name: "create_folder", Effect: sdk.Write, Scopes: own, Run: sdk.Func(createFolder), Description: "Makes a folder. One of the same name may exist beside it."},
		{Name: "move_file", Effect: sdk.Idempotent, Scopes: all, Run: sdk.Func(moveFile), Description: "Moves a file or folder into another folder, out of the one that it is in."},
		{Name: "copy_file", Effect: sdk.Write, Scopes: all, Run: sdk.Func(copyFile), Description: "Copies a file, into another folder if given. Folders are refused."},
		{Name: "delete_file", Effect: sdk.Idempotent, Scopes: all, Run: sdk.Send[fileInput, sdk.None](driveEndpoint(http.MethodDelete, filePath)), Description: "Deletes a file or folder with all that is in it for good, past the trash (update_file with trashed keeps it for 30 days). Only its owner may."},
		{Name: "get_storage", Effect: sdk.Read, Scopes: read, Run: sdk.Send[sdk.None, object](endpoint("", "/drive/v3/about", "fields", "user(displayName,emailAddress),storageQuota")), Description: "Answers whose drive it is and how much room is used and left."},
		{Name: "list_shared_drives", Effect: sdk.Read, AnyScopes: [][]string{scope("drive.readonly", "drive")}, Run: sdk.Send[sharedDrivesInput, sharedDrives](endpoint("", "/drive/v3/drives")), Description: "Lists the shared drives that the account is a member of, in pages."},
	}
}

func sharingOperations() []sdk.Operation {
	read, all := scope("drive.readonly"), scope("drive")
	permissions := filePath + "/permissions"
	fields := "id,type,role,emailAddress,domain,displayName,expirationTime"
	return []sdk.Operation{
		{Name: "share_file", Effect: sdk.Write, Scopes: all, Run: sdk.Send[shareInput, object](driveEndpoint(http.MethodPost, permissions, "fields", fields)), Description: "Gives a person, a group, a domain or anyone with the link access to a file or folder. People and groups get a mail unless notify is false. Organisations may forbid sharing."},
		{Name: "list_permissions", Effect: sdk.Read, Scopes: read, Run: sdk.Send[permissionsInput, permissionPage](driveEndpoint("", permissions, "fields", "nextPageToken,permissions("+fields+")")), Description: "Lists who has access to a file or folder, in pages."},
		{Name: "unshare_file", Effect: sdk.Idempotent, Scopes: all, Run: sdk.Send[unshareInput, sdk.None](driveEndpoint(http.MethodDelete, permissions+"/{permission_id}")), Description: "Takes one permission (of list_permissions) off a file or folder. Inherited ones are refused."},
	}
}

type fileInput struct {
	FileID string `json:"file_id" pattern:"^[A-Za-z0-9_-]+$" jsonschema:"the long id in the file's address"`
}

type filesInput struct {
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"1000" default:"50"`
	paged
}

type filePage struct {
	Files      []object `json:"files"`
	NextCursor string   `json:"next_cursor,omitempty"`
}

type listFilesInput struct {
	FolderID string `json:"folder_id,omitempty" pattern:"^[A-Za-z0-9_-]+$" jsonschema:"id of the folder, or root"`
	Trashed  bool   `json:"trashed,omitempty" jsonschema:"those in the trash instead"`
	filesInput
}

func listFiles(ctx context.Context, call *sdk.Call, in listFilesInput) (filePage, error) {
	words := []string{"trashed = false"}
	if in.Trashed {
		words[0] = "trashed = true"
	}
	if in.FolderID != "" {
		words = append(words, quoted(in.FolderID)+" in parents")
	}
	return in.find(ctx, call, words, "folder,modifiedTime desc")
}

type searchFilesInput struct {
	Name     string `json:"name,omitempty" maxLength:"200" jsonschema:"beginnings of words in the name"`
	Text     string `json:"text,omitempty" maxLength:"500" jsonschema:"words in the content or the name"`
	MimeType string `json:"mime_type,omitempty" maxLength:"200" jsonschema:"such as application/pdf or application/vnd.google-apps.document"`
	Owner    string `json:"owner,omitempty" maxLength:"200" jsonschema:"the owner's mail address"`
	Query    string `json:"query,omitempty" maxLength:"2000" jsonschema:"Drive's own search words, in addition"`
	filesInput
}

func searchFiles(ctx context.Context, call *sdk.Call, in searchFilesInput) (filePage, error) {
	words, order := []string{"trashed = false"}, "modifiedTime desc"
	if in.Name != "" {
		words = append(words, "name contains "+quoted(in.Name))
	}
	if in.Text != "" {
		words, order = append(words, "fullText contains "+quoted(in.Text)), "" // Drive refuses an order then
	}
	if in.MimeType != "" {
		words = append(words, "mimeType = "+quoted(in.MimeType))
	}
	if in.Owner != "" {
		words = append(words, quoted(in.Owner)+" in owners")
	}
	if in.Query != "" {
		words = append(words, "("+in.Query+")")
	}
	if len(words) == 1 {
		return filePage{}, sdk.Invalid("/name", "give name, text, mime_type, owner or query")
	}
	return in.find(ctx, call, words, order)
}

func (in filesInput) find(ctx context.Context, call *sdk.Call, words []string, order string) (filePage, error) {
	if in.Limit == 0 {
		in.Limit = 50
	}
	var answer struct {
		Files []object `json:"files"`
		Next  string   `json:"nextPageToken"`
	}
	err := call.Do(ctx, sdk.Request{Path: "/drive/v3/files", Query: sdk.Query("q", strings.Join(words, " and "), "pageSize", in.Limit, "pageToken", in.Cursor, "orderBy", order,
		"fields", "nextPageToken,files("+fileFields+")", "supportsAllDrives", true, "includeItemsFromAllDrives", true)}, &answer)
	if answer.Files == nil {
		answer.Files = []object{}
	}
	return filePage{Files: answer.Files, NextCursor: answer.Next}, err
}

type updateFileInput struct {
	fileInput
	Name        string `json:"name,omitempty" maxLength:"500"`
	Description string `json:"description,omitempty" maxLength:"25000"`
	Starred     *bool  `json:"starred,omitempty"`
	Trashed     *bool  `json:"trashed,omitempty" jsonschema:"true moves it to the trash, false takes it out"`
}

type newFileInput struct {
	Name     string `json:"name,omitempty" maxLength:"500"`
	ParentID string `json:"parent_id,omitempty" pattern:"^[A-Za-z0-9_-]+$" jsonschema:"id of the folder that it is to be in; the account's own drive when left out"`
}

// about answers what is to be known of a new file.
func (in newFileInput) about() map[string]any {
	about := map[string]any{}
	if in.Name != "" {
		about["name"] = in.Name
	}
	if in.ParentID != "" {
		about["parents"] = []string{in.ParentID}
	}
	return about
}

type createFolderInput struct {
	Name     string `json:"name" minLength:"1" maxLength:"500"`
	ParentID string `json:"parent_id,omitempty" pattern:"^[A-Za-z0-9_-]+$" jsonschema:"id of the folder that it is to be in"`
}

// driveQuery is what requests to Drive that change a file have in common.
func driveQuery(pairs ...any) url.Values {
	return sdk.Query(append(pairs, "supportsAllDrives", true, "fields", fileFields)...)
}

func createFolder(ctx context.Context, call *sdk.Call, in createFolderInput) (object, error) {
	about := newFileInput(in).about()
	about["mimeType"] = folderMIME
	var out object
	return out, call.Do(ctx, sdk.Request{Path: "/drive/v3/files", Query: driveQuery(), JSON: about}, &out)
}

type copyFileInput struct {
	fileInput
	newFileInput
}

func copyFile(ctx context.Context, call *sdk.Call, in copyFileInput) (object, error) {
	var out object
	return out, call.Do(ctx, sdk.Request{Path: sdk.Path("/drive/v3/files/%s/copy", in.FileID), Query: driveQuery(), JSON: in.about()}, &out)
}

type moveFileInput struct {
	fileInput
	ParentID string `json:"parent_id" pattern:"^[A-Za-z0-9_-]+$" jsonschema:"id of the folder that it is to be in, or root"`
}

func moveFile(ctx context.Context, call *sdk.Call, in moveFileInput) (object, error) {
	path := sdk.Path("/drive/v3/files/%s", in.FileID)
	var now struct {
		Parents []string `json:"parents"`
	}
	if err := call.Do(ctx, sdk.Request{Path: path, Query: sdk.Query("fields", "parents", "supportsAllDrives", true)}, &now); err != nil {
		return nil, err
	}
	old := slices.DeleteFunc(now.Parents, func(id string) bool { return id == in.ParentID })
	var out object
	return out, call.Do(ctx, sdk.Request{Method: http.MethodPatch, Path: path, JSON: map[string]any{},
		Query: driveQuery("addParents", in.ParentID, "removeParents", strings.Join(old, ","))}, &out)
}

type sharedDrivesInput struct {
	Limit int `json:"limit,omitempty" to:"query pageSize" minimum:"1" maximum:"100" default:"50"`
	paged
}

type sharedDrives struct {
	Drives     []object `json:"drives"`
	NextCursor string   `json:"next_cursor,omitempty" from:"nextPageToken"`
}

type shareInput struct {
	fileInput
	Type    string `json:"type" enum:"user,group,domain,anyone"`
	Role    string `json:"role" enum:"reader,commenter,writer,fileOrganizer,organizer"`
	Email   string `json:"email,omitempty" to:"body emailAddress" format:"email" jsonschema:"of the user or group"`
	Domain  string `json:"domain,omitempty"`
	Notify  *bool  `json:"notify,omitempty" to:"query sendNotificationEmail" jsonschema:"false sends no mail"`
	Message string `json:"message,omitempty" to:"query emailMessage" maxLength:"5000" jsonschema:"for the mail"`
}

// Validate refuses what Google would refuse.
func (in shareInput) Validate() error {
	if (in.Type == "user" || in.Type == "group") && in.Email == "" {
		return sdk.Invalid("/email", "a user or group needs an address")
	}
	if in.Type == "domain" && in.Domain == "" {
		return sdk.Invalid("/domain", "a domain needs its name")
	}
	return nil
}

type permissionsInput struct {
	fileInput
	Limit int `json:"limit,omitempty" to:"query pageSize" minimum:"1" maximum:"100" default:"100"`
	paged
}

type permissionPage struct {
	Permissions []object `json:"permissions"`
	NextCursor  string   `json:"next_cursor,omitempty" from:"nextPageToken"`
}

type unshareInput struct {
	fileInput
	PermissionID string `json:"permission_id" minLength:"1"`
}

package main

import (
	"context"
	"encoding/json"
	"path"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

type oneFile struct {
	FileID string `json:"file_id" minLength:"1" maxLength:"300" jsonschema:"of a photo, document and so on in a message"`
}

type userPhotos struct {
	UserID int64  `json:"user_id" minimum:"1"`
	Cursor string `json:"cursor,omitempty" wire:"-" pattern:"^[0-9]{1,9}$" jsonschema:"next_cursor of the page before"`
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" jsonschema:"how many at most; 100 when left out"`
}

type stickerSet struct {
	Name string `json:"name" minLength:"1" maxLength:"64" jsonschema:"the set's short name"`
}

func fileOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "get_file", Effect: sdk.Read, Run: sdk.Func(getFile),
		Description: "Tells the size and path of a file. Refuses files over 20 MB. Use download_file for its content: the path alone is of no use without the token.",
	}, {
		Name: "download_file", Effect: sdk.Read, GivesFiles: true, Run: sdk.Func(download),
		Description: "Downloads a file that was sent to the bot. Refuses files over 20 MB.",
	}, {
		Name: "get_user_profile_photos", Effect: sdk.Read, Run: sdk.Func(profilePhotos), Description: "Lists the profile photos of a user, each in several sizes with a file_id.",
	}, {
		Name: "get_sticker_set", Effect: sdk.Read, Run: asks[stickerSet]("getStickerSet"), Description: "Tells about a sticker set and its stickers.",
	}}
}

// stored is Telegram's word on a file.
type stored struct {
	FileID       string `json:"file_id"`
	FileUniqueID string `json:"file_unique_id"`
	FileSize     int64  `json:"file_size,omitempty"`
	FilePath     string `json:"file_path,omitempty"`
}

func getFile(ctx context.Context, call *sdk.Call, in oneFile) (out stored, err error) {
	return out, run(ctx, call, "getFile", in, &out)
}

func download(ctx context.Context, call *sdk.Call, in oneFile) (sdk.Attached, error) {
	found, err := getFile(ctx, call, in)
	if err != nil {
		return sdk.Attached{}, err
	}
	if found.FilePath == "" || strings.HasPrefix(found.FilePath, "/") {
		return sdk.Attached{}, sdk.Errorf(sdk.PlatformError, "Telegram told no path that the file can be fetched from.") // a server in local mode keeps it on its own disk
	}
	segments := strings.Split(found.FilePath, "/")
	for i, segment := range segments {
		segments[i] = sdk.Path("%s", segment)
	}
	return call.Download(ctx, sdk.Request{Path: "/file" + tokenPlace + strings.Join(segments, "/")}, path.Base(found.FilePath), "")
}

func profilePhotos(ctx context.Context, call *sdk.Call, in userPhotos) (sdk.Page, error) {
	offset, err := offsetOf(in.Cursor)
	if err != nil {
		return sdk.Page{}, err
	}
	var answer struct {
		Total  int               `json:"total_count"`
		Photos []json.RawMessage `json:"photos"`
	}
	asked := struct {
		userPhotos
		Offset int `json:"offset,omitempty"`
	}{in, offset}
	if err := run(ctx, call, "getUserProfilePhotos", asked, &answer); err != nil {
		return sdk.Page{}, err
	}
	return offsetPage(answer.Photos, offset, answer.Total), nil
}

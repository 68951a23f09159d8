package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

func bookmarkOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "add_bookmark", Effect: sdk.Write, Scopes: []string{"bookmarks:write"}, Run: sdk.Func(addBookmark), Description: "Adds a link to the bar at the top " +
			"of a channel, which holds at most 100."},
		{Name: "edit_bookmark", Effect: sdk.Idempotent, Scopes: []string{"bookmarks:write"}, Run: sdk.Func(editBookmark), Description: "Changes a bookmark's title, " +
			"link or emoji; what is left out stays."},
		{Name: "remove_bookmark", Effect: sdk.Idempotent, Scopes: []string{"bookmarks:write"}, Run: sdk.Func(removeBookmark), Description: "Removes a bookmark from " +
			"a channel. Removing it again answers not_found."},
		{Name: "list_bookmarks", Effect: sdk.Read, Scopes: []string{"bookmarks:read"}, Run: sdk.Func(listBookmarks), Description: "Lists a channel's bookmarks, all of them."},
	}
}

type addBookmarkInput struct {
	channelInput
	Title string `json:"title" jsonschema:"what people read" minLength:"1" maxLength:"255"`
	Link  string `json:"link" jsonschema:"address it leads to" pattern:"^https?://" maxLength:"3000"`
	Emoji string `json:"emoji,omitempty" jsonschema:"such as :pushpin:"`
}

type bookmark struct {
	Bookmark json.RawMessage `json:"bookmark" jsonschema:"the bookmark as Slack gives it"`
}

func addBookmark(ctx context.Context, call *sdk.Call, in addBookmarkInput) (bookmark, error) {
	var out bookmark
	args := sdk.Query("channel_id", in.Channel, "type", "link", "title", in.Title, "link", in.Link, "emoji", in.Emoji)
	return out, post(ctx, call, "bookmarks.add", args, &out)
}

type bookmarkInput struct {
	channelInput
	BookmarkID string `json:"bookmark_id" jsonschema:"from add_bookmark or list_bookmarks" minLength:"1"`
}

type editBookmarkInput struct {
	bookmarkInput
	Title string `json:"title,omitempty" maxLength:"255"`
	Link  string `json:"link,omitempty" pattern:"^https?://" maxLength:"3000"`
	Emoji string `json:"emoji,omitempty" jsonschema:"such as :pushpin:"`
}

func editBookmark(ctx context.Context, call *sdk.Call, in editBookmarkInput) (bookmark, error) {
	if in.Title == "" && in.Link == "" && in.Emoji == "" {
		return bookmark{}, sdk.Invalid("/title", "give title, link or emoji")
	}
	var out bookmark
	args := sdk.Query("channel_id", in.Channel, "bookmark_id", in.BookmarkID, "title", in.Title, "link", in.Link, "emoji", in.Emoji)
	return out, post(ctx, call, "bookmarks.edit", args, &out)
}

func removeBookmark(ctx context.Context, call *sdk.Call, in bookmarkInput) (sdk.None, error) {
	args := sdk.Query("channel_id", in.Channel, "bookmark_id", in.BookmarkID)
	return sdk.None{}, post(ctx, call, "bookmarks.remove", args, nil)
}

type bookmarkList struct {
	Bookmarks []json.RawMessage `json:"bookmarks"`
}

func listBookmarks(ctx context.Context, call *sdk.Call, in channelInput) (bookmarkList, error) {
	var out bookmarkList
	err := post(ctx, call, "bookmarks.list", sdk.Query("channel_id", in.Channel), &out) // documented as POST alone
	out.Bookmarks = list(out.Bookmarks)
	return out, err
}

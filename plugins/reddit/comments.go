package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

func commentOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "list_comments", Effect: sdk.Read, Scopes: []string{"read"}, Run: sdk.Func(listComments), Description: "Answers a post and its comments, or the thread below one comment, as a flat list in " +
			"reading order; depth and parent_id give the tree. What Reddit cuts off stands in more: pass its children to more_comments, or where those are empty ask for the thread of its parent."},
		{Name: "more_comments", Effect: sdk.Read, Scopes: []string{"read"}, Run: sdk.Func(moreComments), Description: "Answers comments that list_comments left out, by the children of one of its more entries, 100 at most. Reddit takes one such call at a time for a client."},
		{Name: "comment", Effect: sdk.Write, Scopes: []string{"submit"}, Run: sdk.Send[commentInput, commented](form("/api/comment/")), Description: "Replies to a post (t3_...) or a comment (t1_...) in Markdown. " +
			"Refuses locked, archived and deleted things, and accounts that comment too often (then it says how long to wait). With the scope privatemessages it also replies to a message (t4_...)."},
	}
}

type listCommentsInput struct {
	PostID  string `json:"post_id" pattern:"^(t3_)?[a-z0-9]+$" jsonschema:"the post's id or fullname"`
	Comment string `json:"comment_id,omitempty" pattern:"^(t1_)?[a-z0-9]+$" jsonschema:"only this comment and what is below it"`
	Context int    `json:"context,omitempty" minimum:"0" maximum:"8" jsonschema:"with comment_id: how many of its parents to answer"`
	Sort    string `json:"sort,omitempty" enum:"confidence,top,new,controversial,old,random,qa,live" default:"confidence" jsonschema:"confidence is what Reddit calls best"`
	Depth   int    `json:"depth,omitempty" minimum:"1" maximum:"10" jsonschema:"levels of replies; Reddit decides when left out"`
	Limit   int    `json:"limit,omitempty" minimum:"1" maximum:"500" jsonschema:"how many comments at most; Reddit decides when left out"`
	detail
}

// more is what Reddit left out.
type more struct {
	Parent   string   `json:"parent_id" jsonschema:"fullname of what they reply to"`
	Count    int      `json:"count"`
	Children []string `json:"children" jsonschema:"ids for more_comments; none where the thread goes on deeper than Reddit shows"`
}

type thread struct {
	Post     object   `json:"post"`
	Comments []object `json:"comments"`
	More     []more   `json:"more" jsonschema:"what was left out"`
}

func listComments(ctx context.Context, call *sdk.Call, in listCommentsInput) (thread, error) {
	path := sdk.Path("/comments/%s/", shortID(in.PostID, kindPost))
	if in.Comment != "" {
		path += sdk.Path("_/%s", shortID(in.Comment, kindComment))
	}
	if in.Sort == "" {
		in.Sort = "confidence"
	}
	var answer []listing
	err := call.Do(ctx, sdk.Request{Path: path, Query: raw("sort", in.Sort, "depth", in.Depth, "limit", in.Limit, "context", in.Context)}, &answer)
	if err != nil {
		return thread{}, err
	}
	if len(answer) != 2 || len(answer[0].Data.Children) != 1 {
		return thread{}, sdk.Errorf(sdk.PlatformError, "Reddit's answer is not a post with its comments.")
	}
	f := &flattening{detail: in.detail, thread: thread{Comments: []object{}, More: []more{}}}
	if f.Post, err = in.view(answer[0].Data.Children[0]); err != nil {
		return thread{}, err
	}
	return f.thread, f.add(answer[1].Data.Children, 0)
}

// flattening makes a flat list of a tree of comments.
type flattening struct {
	detail
	thread
}

// maxDepth bounds the tree that is walked; Reddit's have ten levels.
const maxDepth = 100

func (f *flattening) add(children []thing, depth int) error {
	if depth > maxDepth {
		return sdk.Errorf(sdk.PlatformError, "Reddit's tree of comments is too deep.")
	}
	for _, child := range children {
		if child.Kind == kindMore {
			one := more{Children: []string{}}
			if err := json.Unmarshal(child.Data, &one); err != nil {
				return sdk.Errorf(sdk.PlatformError, "Reddit's answer does not say what was left out.")
			}
			f.More = append(f.More, one)
			continue
		}
		one, err := f.view(child)
		if err != nil {
			return err
		}
		var below struct {
			Depth   *int            `json:"depth"`
			Replies json.RawMessage `json:"replies"`
		}
		_ = json.Unmarshal(child.Data, &below) // replies are "" where there are none
		if below.Depth == nil {
			one["depth"], _ = json.Marshal(depth) // older answers have none
		}
		delete(one, "replies")
		f.Comments = append(f.Comments, one)
		var replies listing
		if json.Unmarshal(below.Replies, &replies) == nil {
			if err := f.add(replies.Data.Children, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

type moreCommentsInput struct {
	PostID   string   `json:"post_id" pattern:"^(t3_)?[a-z0-9]+$" jsonschema:"the post's id or fullname"`
	Children []string `json:"children" minItems:"1" maxItems:"100" jsonschema:"ids of a more entry"`
	Sort     string   `json:"sort,omitempty" enum:"confidence,top,new,controversial,old,random,qa,live" default:"confidence"`
	detail
}

type furtherComments struct {
	Comments []object `json:"comments"`
	More     []more   `json:"more"`
}

func moreComments(ctx context.Context, call *sdk.Call, in moreCommentsInput) (furtherComments, error) {
	if in.Sort == "" {
		in.Sort = "confidence"
	}
	var answer struct {
		JSON struct {
			Data struct {
				Things []thing `json:"things"`
			} `json:"data"`
		} `json:"json"`
	}
	// POST, because a list of ids may be longer than an address may be; it changes nothing.
	request := sdk.Request{Path: "/api/morechildren/", Query: raw(), Form: sdk.Query("api_type", "json", "link_id", "t3_"+shortID(in.PostID, kindPost),
		"children", strings.Join(in.Children, ","), "sort", in.Sort)}
	if err := call.Do(ctx, request, &answer); err != nil {
		return furtherComments{}, err
	}
	f := &flattening{detail: in.detail, thread: thread{Comments: []object{}, More: []more{}}}
	err := f.add(answer.JSON.Data.Things, 0)
	return furtherComments{Comments: f.Comments, More: f.More}, err
}

type commentInput struct {
	Parent string `json:"parent" to:"body thing_id" pattern:"^t[134]_[a-z0-9]+$" jsonschema:"fullname of the post or comment"`
	Text   string `json:"text" minLength:"1" maxLength:"10000" jsonschema:"Markdown"`
}

type commented struct {
	Comment []json.RawMessage `json:"things" from:"json.data.things" jsonschema:"the new comment as Reddit keeps it; empty where a filter of the subreddit holds it back"`
}

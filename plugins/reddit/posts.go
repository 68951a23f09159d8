package main

import (
	"context"
	"net/url"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

func postOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "list_posts", Effect: sdk.Read, Scopes: []string{"read"}, Run: sdk.Func(listPosts), Description: "Lists the posts of a subreddit, or of the " +
			"account's own front page without one, in pages. Sort hot, new, top, rising or controversial; time narrows top and controversial. Refuses private, banned and unknown subreddits."},
		{Name: "search_posts", Effect: sdk.Read, Scopes: []string{"read"}, Run: sdk.Func(searchPosts), Description: "Searches posts by words, everywhere or in " +
			"one subreddit. Reddit's operators work: author:, title:, flair:, site:, self:yes, AND, OR, NOT, quotes. It finds posts, not comments."},
		{Name: "get_post", Effect: sdk.Read, Scopes: []string{"read"}, Run: sdk.Func(getPost), Description: "Answers one post by its id, without comments (list_comments has those)."},
		{Name: "get_things", Effect: sdk.Read, Scopes: []string{"read"}, Run: sdk.Func(getThings), Description: "Answers up to 100 posts, comments or subreddits by their fullnames " +
			"(t3_..., t1_..., t5_...). Those that do not exist are left out."},
		{Name: "submit_post", Effect: sdk.Write, Scopes: []string{"submit"}, Run: sdk.Send[submitInput, submitted](form("/api/submit/")), Description: "Submits a new post to a subreddit, or to " +
			"the account's profile (u_name): a text with kind self, a link with kind link, another post again with kind crosspost. Read get_subreddit_rules first; subreddits that require flair need flair_id. " +
			"Refuses links that were posted before unless resubmit is true, and where the account may not post or posts too often (then it says how long to wait). Images and videos are not taken."},
	}
}

type listPostsInput struct {
	Subreddit string `json:"subreddit,omitempty" pattern:"^(/?r/)?[A-Za-z0-9_+-]{2,200}/?$" jsonschema:"its name, several with +, or all or popular; the account's front page when left out"`
	Sort      string `json:"sort,omitempty" enum:"hot,new,top,rising,controversial" default:"hot"`
	Time      string `json:"time,omitempty" enum:"hour,day,week,month,year,all" jsonschema:"with top and controversial"`
	paged
	detail
}

type postPage struct {
	Posts      []object `json:"posts" jsonschema:"name is the fullname that other operations take"`
	NextCursor string   `json:"next_cursor,omitempty"`
}

func listPosts(ctx context.Context, call *sdk.Call, in listPostsInput) (postPage, error) {
	if in.Sort == "" {
		in.Sort = "hot"
	}
	path := "/" + in.Sort
	if name := subredditName(in.Subreddit); name != "" {
		path = sdk.Path("/r/%s/"+in.Sort, name)
	}
	return posts(ctx, call, path, in.query("t", in.Time), in.detail)
}

func posts(ctx context.Context, call *sdk.Call, path string, query url.Values, d detail) (postPage, error) {
	l, err := getListing(ctx, call, path, query, kindPost)
	if err != nil {
		return postPage{}, err
	}
	out, err := d.views(l.Data.Children)
	return postPage{Posts: out, NextCursor: l.Data.After}, err
}

type searchPostsInput struct {
	Query     string `json:"query" minLength:"1" maxLength:"512" jsonschema:"words and operators"`
	Subreddit string `json:"subreddit,omitempty" pattern:"^(/?r/)?[A-Za-z0-9_+-]{2,200}/?$" jsonschema:"only here"`
	Sort      string `json:"sort,omitempty" enum:"relevance,hot,top,new,comments" default:"relevance"`
	Time      string `json:"time,omitempty" enum:"hour,day,week,month,year,all" default:"all"`
	paged
	detail
}

func searchPosts(ctx context.Context, call *sdk.Call, in searchPostsInput) (postPage, error) {
	if in.Sort == "" {
		in.Sort = "relevance"
	}
	if in.Time == "" {
		in.Time = "all"
	}
	path, restrict := "/search/", false
	if name := subredditName(in.Subreddit); name != "" {
		path, restrict = sdk.Path("/r/%s/search/", name), true
	}
	return posts(ctx, call, path, in.query("q", in.Query, "sort", in.Sort, "t", in.Time, "restrict_sr", restrict), in.detail)
}

type getPostInput struct {
	ID string `json:"id" pattern:"^(t3_)?[a-z0-9]+$" jsonschema:"the post's id or fullname, such as t3_15bfi0"`
	detail
}

type post struct {
	Post object `json:"post"`
}

func getPost(ctx context.Context, call *sdk.Call, in getPostInput) (post, error) {
	l, err := getListing(ctx, call, "/api/info/", raw("id", "t3_"+shortID(in.ID, kindPost)), kindPost)
	if err != nil {
		return post{}, err
	}
	if len(l.Data.Children) != 1 {
		return post{}, sdk.Errorf(sdk.NotFound, "Reddit has no such post, or this account may not see it.")
	}
	one, err := in.view(l.Data.Children[0])
	return post{Post: one}, err
}

type getThingsInput struct {
	Names []string `json:"names" minItems:"1" maxItems:"100" jsonschema:"fullnames"`
	detail
}

type things struct {
	Posts      []object `json:"posts"`
	Comments   []object `json:"comments"`
	Subreddits []object `json:"subreddits"`
}

func getThings(ctx context.Context, call *sdk.Call, in getThingsInput) (things, error) {
	out := things{Posts: []object{}, Comments: []object{}, Subreddits: []object{}}
	l, err := getListing(ctx, call, "/api/info/", raw("id", strings.Join(in.Names, ",")), kindPost, kindComment, kindSubreddit)
	if err != nil {
		return out, err
	}
	for _, child := range l.Data.Children {
		one, err := in.view(child)
		if err != nil {
			return out, err
		}
		switch child.Kind {
		case kindPost:
			out.Posts = append(out.Posts, one)
		case kindComment:
			out.Comments = append(out.Comments, one)
		default:
			out.Subreddits = append(out.Subreddits, one)
		}
	}
	return out, nil
}

type submitInput struct {
	Subreddit string `json:"subreddit" to:"body sr" pattern:"^[A-Za-z0-9_]{2,50}$" jsonschema:"its name without r/; u_name for a profile"`
	Title     string `json:"title" minLength:"1" maxLength:"300"`
	Kind      string `json:"kind" enum:"self,link,crosspost"`
	Text      string `json:"text,omitempty" maxLength:"40000" jsonschema:"with kind self: Markdown"`
	URL       string `json:"url,omitempty" pattern:"^https?://" jsonschema:"with kind link"`
	Crosspost string `json:"crosspost_of,omitempty" to:"body crosspost_fullname" pattern:"^t3_[a-z0-9]+$" jsonschema:"with kind crosspost: fullname of the post"`
	FlairID   string `json:"flair_id,omitempty" jsonschema:"id of list_flairs"`
	FlairText string `json:"flair_text,omitempty" maxLength:"64" jsonschema:"for flairs whose text may be edited"`
	NSFW      bool   `json:"nsfw,omitempty"`
	Spoiler   bool   `json:"spoiler,omitempty"`
	Resubmit  bool   `json:"resubmit,omitempty" jsonschema:"post a link although it was posted before"`
	Replies   bool   `json:"send_replies,omitempty" to:"body sendreplies" default:"true" jsonschema:"replies go to the account's inbox"`
}

// Validate refuses what Reddit would refuse after counting it.
func (in submitInput) Validate() error {
	switch {
	case in.Kind == "link" && in.URL == "":
		return sdk.Invalid("/url", "a link needs its url")
	case in.Kind == "crosspost" && in.Crosspost == "":
		return sdk.Invalid("/crosspost_of", "a crosspost needs the post's fullname")
	case in.Kind != "link" && in.URL != "":
		return sdk.Invalid("/url", "only kind link has one")
	case in.Kind != "self" && in.Text != "":
		return sdk.Invalid("/text", "only kind self has one")
	}
	return nil
}

type submitted struct {
	Name string `json:"name" from:"json.data.name" jsonschema:"the post's fullname"`
	URL  string `json:"url" from:"json.data.url"`
}

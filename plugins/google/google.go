package main

import (
	"context"
	_ "embed"
	"net/http"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icons/google.svg
var googleIcon []byte

// Hosts of the single services.
const (
	searchHost = "customsearch.googleapis.com"
	docsHost   = "docs.googleapis.com"
	peopleHost = "people.googleapis.com"
	tasksHost  = "tasks.googleapis.com"
)

// google is Google's web search, by key, and those services of an account that have no platform of their own.
func google() sdk.Platform {
	return sdk.Platform{
		ID: "google", Name: "Google", Category: sdk.Tools, Icon: googleIcon, Website: "https://developers.google.com",
		Description: "Searches the web with a Programmable Search Engine, and works with an account's Docs, Contacts and Tasks.",
		BaseURL:     "https://" + searchHost, Hosts: []string{docsHost, peopleHost, tasksHost, driveHost, identityHost},
		Auth: []sdk.AuthMethod{
			apiKey("For web search: make a search engine at https://programmablesearchengine.google.com (its id is cx), and an API key at https://console.cloud.google.com/apis/credentials in a project with the Custom Search API enabled. 100 searches a day cost nothing.",
				sdk.Field{Name: "cx", Label: "Search engine ID", Required: true, Pattern: `[A-Za-z0-9:_-]+`, Help: "The cx of the search engine, such as 017576662512468239146:omuauf_lfve."}),
			oauth("google", "Google Docs, People, Tasks and Drive"),
		},
		Authorize: authorize, Verify: verifyGoogle, Explain: explain,
		VerifyNote: "A key is tested by a search, which counts as one of the 100 that are free each day.",
		Operations: slices.Concat(webOperations(), docsOperations(), contactOperations(), taskOperations()),
	}
}

// verifyGoogle tests a key by the cheapest search that there is.
func verifyGoogle(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	if call.Credential.Method != sdk.MethodAPIKey {
		return verify(ctx, call)
	}
	var answer struct {
		Context struct {
			Title string `json:"title"`
		} `json:"context"`
	}
	err := call.Do(ctx, sdk.Request{Path: "/customsearch/v1", Query: sdk.Query("q", "test", "num", 1, "cx", call.Credential.Field("cx"), "fields", "context")}, &answer)
	account := keyAccount(call)
	account.ID = call.Credential.Field("cx")
	if answer.Context.Title != "" {
		account.Name = answer.Context.Title + " (" + account.Name + ")"
	}
	return account, err
}

func webOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "web_search", Effect: sdk.Read, Run: sdk.Func(webSearch), Description: "Searches the web, or the sites of the connected search engine, and answers titles, links and snippets, ten at most, in pages up to the hundredth result. Needs a connection by API key; the sign-in is refused. Each search counts: 100 a day are free."},
	}
}

type webSearchInput struct {
	Query    string `json:"query" minLength:"1" maxLength:"2048" jsonschema:"words; Google's operators such as site: and quotes work"`
	Limit    int    `json:"limit,omitempty" minimum:"1" maximum:"10" default:"10"`
	Cursor   string `json:"cursor,omitempty" pattern:"^[1-9][0-9]?$" jsonschema:"next_cursor of the page before"`
	Country  string `json:"country,omitempty" pattern:"^[a-z]{2}$" jsonschema:"favour results of this country, such as de"`
	Language string `json:"language,omitempty" pattern:"^lang_[a-zA-Z-]{2,5}$" jsonschema:"only results in this language, such as lang_de"`
	Site     string `json:"site,omitempty" maxLength:"200" jsonschema:"only of this site"`
	Within   string `json:"within,omitempty" pattern:"^[dwmy][0-9]{1,3}$" jsonschema:"only of so many days, weeks, months or years, such as d7"`
	Exact    string `json:"exact_terms,omitempty" maxLength:"500"`
	Without  string `json:"exclude_terms,omitempty" maxLength:"500"`
	FileType string `json:"file_type,omitempty" pattern:"^[a-z0-9]{1,10}$" jsonschema:"such as pdf"`
	Images   bool   `json:"images,omitempty" jsonschema:"search for images"`
	Safe     string `json:"safe,omitempty" enum:"active,off"`
}

type webResult struct {
	Title   string `json:"title"`
	Link    string `json:"link"`
	Snippet string `json:"snippet"`
	Site    string `json:"display_link"`
	Mime    string `json:"mime,omitempty"`
	Image   object `json:"image,omitempty"`
}

type webResults struct {
	Results    []webResult `json:"results"`
	Total      string      `json:"total,omitempty" jsonschema:"about how many there are"`
	Corrected  string      `json:"corrected_query,omitempty" jsonschema:"what Google thinks was meant"`
	NextCursor string      `json:"next_cursor,omitempty"`
}

func webSearch(ctx context.Context, call *sdk.Call, in webSearchInput) (webResults, error) {
	if err := call.Needs(sdk.MethodAPIKey); err != nil {
		return webResults{}, err
	}
	if in.Limit == 0 {
		in.Limit = 10
	}
	kind := ""
	if in.Images {
		kind = "image"
	}
	var answer struct {
		Items []struct {
			Title, Link, Snippet, DisplayLink, Mime string
			Image                                   object
		} `json:"items"`
		Information struct {
			Total string `json:"totalResults"`
		} `json:"searchInformation"`
		Spelling struct {
			Query string `json:"correctedQuery"`
		} `json:"spelling"`
		Queries struct {
			Next []struct {
				Start int `json:"startIndex"`
			} `json:"nextPage"`
		} `json:"queries"`
	}
	query := sdk.Query("q", in.Query, "cx", call.Credential.Field("cx"), "num", in.Limit, "start", in.Cursor, "gl", in.Country, "lr", in.Language, "siteSearch", in.Site,
		"dateRestrict", in.Within, "exactTerms", in.Exact, "excludeTerms", in.Without, "fileType", in.FileType, "searchType", kind, "safe", in.Safe)
	if in.Site != "" {
		query.Set("siteSearchFilter", "i")
	}
	if err := call.Do(ctx, sdk.Request{Path: "/customsearch/v1", Query: query}, &answer); err != nil {
		return webResults{}, err
	}
	call.AddUnits("searches", 1)
	out := webResults{Results: make([]webResult, 0, len(answer.Items)), Total: answer.Information.Total, Corrected: answer.Spelling.Query}
	for _, item := range answer.Items {
		out.Results = append(out.Results, webResult{Title: item.Title, Link: item.Link, Snippet: item.Snippet, Site: item.DisplayLink, Mime: item.Mime, Image: item.Image})
	}
	if next := answer.Queries.Next; len(next) > 0 && next[0].Start > 0 && next[0].Start+in.Limit-1 <= 100 { // Google gives no more
		out.NextCursor = itoa(next[0].Start)
	}
	return out, nil
}

func docsOperations() []sdk.Operation {
	read, write := scope("documents.readonly"), scope("documents")
	return []sdk.Operation{
		{Name: "list_documents", Effect: sdk.Read, Scopes: scope("drive.metadata.readonly"), Run: sdk.Func(listDocuments), Description: "Lists the Google Docs documents that the account can see, newest change first, in pages, by words in their name if given."},
		{Name: "get_document", Effect: sdk.Read, Scopes: read, Run: sdk.Func(getDocument), Description: "Reads a document as plain text, tables and lists included; with full also its whole structure, with the indexes that batch_update_document needs."},
		{Name: "create_document", Effect: sdk.Write, Scopes: write, Run: sdk.Func(createDocument), Description: "Makes a document in the account's own Drive, with a text if given."},
		{Name: "append_text", Effect: sdk.Write, Scopes: write, Run: sdk.Func(appendText), Description: "Adds plain text at the end of a document."},
		{Name: "replace_text", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Func(replaceText), Description: "Replaces a text everywhere in a document, and answers how often it stood there."},
		{Name: "batch_update_document", Effect: sdk.Write, Scopes: write, Run: sdk.Send[batchDocumentInput, documentReplies](on(docsHost, endpoint(http.MethodPost, "/v1/documents/{document_id}:batchUpdate"))), Description: "Runs any of Google's document requests (documents.batchUpdate), all or none: insertText at an index, styles, tables, images."},
	}
}

func contactOperations() []sdk.Operation {
	read, write := scope("contacts.readonly"), scope("contacts")
	const fields = "names,emailAddresses,phoneNumbers,organizations,addresses,birthdays,biographies,memberships"
	return []sdk.Operation{
		{Name: "search_contacts", Effect: sdk.Read, Scopes: read, Run: sdk.Send[searchContactsInput, contactResults](on(peopleHost, endpoint("", "/v1/people:searchContacts", "readMask", fields))), Description: "Finds the account's contacts by beginnings of words in names, addresses, phone numbers and organisations, 30 at most. The first search after a while may find nothing: repeat it."},
		{Name: "search_other_contacts", Effect: sdk.Read, Scopes: scope("contacts.other.readonly"), Run: sdk.Send[searchContactsInput, contactResults](on(peopleHost, endpoint("", "/v1/otherContacts:search", "readMask", "names,emailAddresses,phoneNumbers"))), Description: "Finds people whom the account wrote to and who are no contacts, 30 at most."},
		{Name: "list_contacts", Effect: sdk.Read, Scopes: read, Run: sdk.Send[listContactsInput, contactPage](on(peopleHost, endpoint("", "/v1/people/me/connections", "personFields", fields))), Description: "Lists the account's contacts, in pages."},
		{Name: "get_contact", Effect: sdk.Read, Scopes: read, Run: sdk.Send[contactInput, object](on(peopleHost, endpoint("", "/v1/{+resource_name}", "personFields", fields))), Description: "Answers one contact by its resource name (people/...)."},
		{Name: "create_contact", Effect: sdk.Write, Scopes: write, Run: sdk.Func(createContact), Description: "Makes a contact. One for the same person may exist already: search first."},
		{Name: "delete_contact", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[contactInput, sdk.None](on(peopleHost, endpoint(http.MethodDelete, "/v1/{+resource_name}:deleteContact"))), Description: "Deletes a contact; it is kept in the trash of Google Contacts for 30 days."},
	}
}

func taskOperations() []sdk.Operation {
	read, write := scope("tasks.readonly"), scope("tasks")
	const lists = "/tasks/v1/users/@me/lists"
	const tasks = "/tasks/v1/lists/{list_id}/tasks"
	return []sdk.Operation{
		{Name: "list_task_lists", Effect: sdk.Read, Scopes: read, Run: sdk.Send[taskListsInput, itemPage](on(tasksHost, endpoint("", lists))), Description: "Lists the account's task lists, in pages."},
		{Name: "create_task_list", Effect: sdk.Write, Scopes: write, Run: sdk.Send[taskListInput, object](on(tasksHost, endpoint(http.MethodPost, lists))), Description: "Makes a task list."},
		{Name: "delete_task_list", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[listIDInput, sdk.None](on(tasksHost, endpoint(http.MethodDelete, lists+"/{list_id}"))), Description: "Deletes a task list with its tasks for good."},
		{Name: "list_tasks", Effect: sdk.Read, Scopes: read, Run: sdk.Send[tasksInput, itemPage](on(tasksHost, endpoint("", tasks))), Description: "Lists the tasks of a list, in pages; completed ones too unless show_completed is false."},
		{Name: "create_task", Effect: sdk.Write, Scopes: write, Run: sdk.Send[createTaskInput, object](on(tasksHost, endpoint(http.MethodPost, tasks))), Description: "Makes a task, below another one if given. Google keeps the day of due and no time."},
		{Name: "update_task", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[updateTaskInput, object](on(tasksHost, endpoint(http.MethodPatch, tasks+"/{task_id}"))), Description: "Changes a task, or completes it with status completed."},
		{Name: "delete_task", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[taskInput, sdk.None](on(tasksHost, endpoint(http.MethodDelete, tasks+"/{task_id}"))), Description: "Deletes a task for good."},
	}
}

type searchContactsInput struct {
	Query string `json:"query" minLength:"1" maxLength:"200"`
	Limit int    `json:"limit,omitempty" to:"query pageSize" minimum:"1" maximum:"30" default:"10"`
}

type contactResults struct {
	Results []object `json:"results" jsonschema:"each with person"`
}

type listContactsInput struct {
	Limit int    `json:"limit,omitempty" to:"query pageSize" minimum:"1" maximum:"1000" default:"100"`
	Sort  string `json:"sort,omitempty" to:"query sortOrder" enum:"LAST_MODIFIED_ASCENDING,LAST_MODIFIED_DESCENDING,FIRST_NAME_ASCENDING,LAST_NAME_ASCENDING"`
	paged
}

type contactPage struct {
	Contacts   []object `json:"contacts" from:"connections"`
	Total      int64    `json:"total,omitempty" from:"totalItems"`
	NextCursor string   `json:"next_cursor,omitempty" from:"nextPageToken"`
}

type contactInput struct {
	ResourceName string `json:"resource_name" pattern:"^people/[A-Za-z0-9_-]+$"`
}

type createContactInput struct {
	GivenName  string   `json:"given_name" minLength:"1" maxLength:"200"`
	FamilyName string   `json:"family_name,omitempty" maxLength:"200"`
	Emails     []string `json:"emails,omitempty" maxItems:"20"`
	Phones     []string `json:"phones,omitempty" maxItems:"20"`
	Company    string   `json:"company,omitempty" maxLength:"200"`
	JobTitle   string   `json:"job_title,omitempty" maxLength:"200"`
	Notes      string   `json:"notes,omitempty" maxLength:"10000"`
}

func createContact(ctx context.Context, call *sdk.Call, in createContactInput) (object, error) {
	if err := call.Needs(signIn()...); err != nil {
		return nil, err
	}
	person := object{"names": []object{{"givenName": in.GivenName, "familyName": in.FamilyName}}}
	put := func(name string, values []string) {
		var list []object
		for _, value := range values {
			list = append(list, object{"value": value})
		}
		if list != nil {
			person[name] = list
		}
	}
	put("emailAddresses", in.Emails)
	put("phoneNumbers", in.Phones)
	if in.Company != "" || in.JobTitle != "" {
		person["organizations"] = []object{{"name": in.Company, "title": in.JobTitle}}
	}
	if in.Notes != "" {
		person["biographies"] = []object{{"value": in.Notes, "contentType": "TEXT_PLAIN"}}
	}
	var out object
	return out, call.Do(ctx, sdk.Request{Path: at(call, peopleHost, "/v1/people:createContact"), Query: sdk.Query("personFields", "names,emailAddresses,phoneNumbers"), JSON: person}, &out)
}

type itemPage struct {
	Items      []object `json:"items"`
	NextCursor string   `json:"next_cursor,omitempty" from:"nextPageToken"`
}

type taskListsInput struct {
	Limit int `json:"limit,omitempty" to:"query maxResults" minimum:"1" maximum:"1000" default:"100"`
	paged
}

type taskListInput struct {
	Title string `json:"title" minLength:"1" maxLength:"1024"`
}

type listIDInput struct {
	ListID string `json:"list_id" minLength:"1"`
}

type anyListInput struct {
	ListID string `json:"list_id,omitempty" default:"@default" jsonschema:"of list_task_lists; the account's first list when left out"`
}

type tasksInput struct {
	anyListInput
	ShowCompleted bool   `json:"show_completed,omitempty" default:"true"`
	ShowHidden    bool   `json:"show_hidden,omitempty" jsonschema:"those that were completed and cleared too"`
	DueMin        string `json:"due_after,omitempty" to:"query dueMin" format:"date-time"`
	DueMax        string `json:"due_before,omitempty" to:"query dueMax" format:"date-time"`
	Limit         int    `json:"limit,omitempty" to:"query maxResults" minimum:"1" maximum:"100" default:"100"`
	paged
}

type taskBody struct {
	Notes string `json:"notes,omitempty" maxLength:"8192"`
	Due   string `json:"due,omitempty" format:"date-time" jsonschema:"such as 2026-01-31T00:00:00Z"`
}

type createTaskInput struct {
	anyListInput
	Title    string `json:"title" minLength:"1" maxLength:"1024"`
	Parent   string `json:"parent,omitempty" to:"query" jsonschema:"id of the task that it belongs to"`
	Previous string `json:"previous,omitempty" to:"query" jsonschema:"id of the task that it comes after; first when left out"`
	taskBody
}

type taskInput struct {
	anyListInput
	TaskID string `json:"task_id" minLength:"1"`
}

type updateTaskInput struct {
	taskInput
	Title  string `json:"title,omitempty" maxLength:"1024"`
	Status string `json:"status,omitempty" enum:"needsAction,completed"`
	taskBody
}

package main

import "github.com/patchbay/patchbay/sdk"

type activity struct {
	Endpoint string `json:"endpoint,omitempty" enum:"scrape,crawl,batch_scrape,search,extract,map,agent" jsonschema:"only work of this kind"`
	Limit    int    `json:"limit,omitempty" minimum:"1" maximum:"100" jsonschema:"how many at most; 50 when left out"`
	Cursor   string `json:"cursor,omitempty" maxLength:"2000" jsonschema:"next_cursor of the page before"`
}

func teamOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "get_credit_usage", Effect: sdk.Read, Run: sdk.Routed[sdk.None]("GET /team/credit-usage"), Description: "Tells how many credits the team has left, and of how many.",
	}, {
		Name: "get_token_usage", Effect: sdk.Read, Run: sdk.Routed[sdk.None]("GET /team/token-usage"), Description: "Tells how many tokens the team has left, which extract costs.",
	}, {
		Name: "get_queue_status", Effect: sdk.Read, Run: sdk.Routed[sdk.None]("GET /team/queue-status"), Description: "Tells how much of the team's work waits and how much is done at once.",
	}, {
		Name: "list_activity", Effect: sdk.Read, Description: "Lists the team's work of the last day, newest first.",
		Run: sdk.RoutedTo("GET /team/activity", func(_ *sdk.Call, _ activity, answer sdk.Object) (sdk.Page, error) {
			if string(answer["has_more"]) != "true" {
				delete(answer, "cursor")
			}
			return sdk.PageOf(answer, "data", "cursor")
		}),
	}}
}

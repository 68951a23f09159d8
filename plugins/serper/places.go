package main

import (
	"context"

	"github.com/patchbay/patchbay/sdk"
)

type mapQuery struct {
	Q       string `json:"q,omitempty" maxLength:"2048" jsonschema:"what to look for; or give place_id or cid"`
	LL      string `json:"ll,omitempty" pattern:"^@-?[0-9.]+,-?[0-9.]+,[0-9.]+[zm]$" jsonschema:"part of the map: @latitude,longitude,zoom, such as @52.52,13.40,14z; needed for further pages"`
	HL      string `json:"hl,omitempty" maxLength:"6"`
	PlaceID string `json:"place_id,omitempty" wire:"placeId"`
	CID     string `json:"cid,omitempty" pattern:"^[0-9]{1,20}$"`
	paged
}

type reviewQuery struct {
	PlaceID string `json:"place_id,omitempty" wire:"placeId" jsonschema:"whose reviews: give this, cid or fid, as places and maps answer them"`
	CID     string `json:"cid,omitempty" pattern:"^[0-9]{1,20}$"`
	FID     string `json:"fid,omitempty"`
	GL      string `json:"gl,omitempty" maxLength:"2"`
	HL      string `json:"hl,omitempty" maxLength:"6"`
	SortBy  string `json:"sort_by,omitempty" wire:"sortBy" enum:"mostRelevant,newest,highestRating,lowestRating"`
	TopicID string `json:"topic_id,omitempty" wire:"topicId" jsonschema:"only reviews on a topic, as an earlier answer's details name them"`
	Cursor  string `json:"cursor,omitempty" wire:"nextPageToken" maxLength:"2000" jsonschema:"next_cursor of the page before"`
}

func placeOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "search_places", Effect: sdk.Read, Run: finds[query]("/places", "places"), Description: "Searches for places near a location. Answers addresses, ratings and cid, by which search_reviews finds reviews.",
	}, {
		Name: "search_maps", Effect: sdk.Read, Description: "Searches for places on the map, with opening hours, phone numbers, coordinates, place_id and cid. Costs three credits. Refuses a call without q, place_id or cid.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in mapQuery) (found, error) {
			if in.Q == "" && in.PlaceID == "" && in.CID == "" {
				return found{}, sdk.Invalid("/q", "give q, place_id or cid")
			}
			b, err := in.body(in)
			if err != nil {
				return found{}, err
			}
			out, err := find(ctx, call, "/maps", "places", b)
			if len(out.Items) > 0 && in.Q != "" {
				out.NextCursor = in.next()
			}
			return out, err
		}),
	}, {
		Name: "search_reviews", Effect: sdk.Read, Description: "Reads the reviews of a place. Refuses a call without place_id, cid or fid.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in reviewQuery) (found, error) {
			if in.PlaceID == "" && in.CID == "" && in.FID == "" {
				return found{}, sdk.Invalid("/place_id", "give place_id, cid or fid")
			}
			b, err := sdk.Body(in)
			if err != nil {
				return found{}, err
			}
			return find(ctx, call, "/reviews", "reviews", b)
		}),
	}}
}

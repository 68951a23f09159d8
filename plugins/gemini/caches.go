package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

type newCache struct {
	modelName
	Contents          []sdk.Object `json:"contents,omitempty"`
	SystemInstruction sdk.Object   `json:"systemInstruction,omitempty"`
	Tools             []sdk.Object `json:"tools,omitempty"`
	ToolConfig        sdk.Object   `json:"toolConfig,omitempty"`
	DisplayName       string       `json:"displayName,omitempty" maxLength:"128"`
	TTL               string       `json:"ttl,omitempty" pattern:"^[0-9]+s$" jsonschema:"how long it is kept, such as 3600s; an hour when left out"`
	ExpireTime        string       `json:"expireTime,omitempty" format:"date-time" jsonschema:"until when it is kept, instead of ttl"`
}

type oneCache struct {
	Name string `json:"name" pattern:"^cachedContents/[A-Za-z0-9_-]{1,200}$" jsonschema:"the cache's name: cachedContents/..."`
}

type cacheTime struct {
	oneCache
	TTL        string `json:"ttl,omitempty" pattern:"^[0-9]+s$" jsonschema:"from now, such as 3600s"`
	ExpireTime string `json:"expireTime,omitempty" format:"date-time" jsonschema:"instead of ttl"`
}

func cacheOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "create_cached_content", Effect: sdk.Write, Description: "Keeps the beginning of prompts for later generate_content calls, which then cost less. Charged by the hour. Refuses less than the model's least number of tokens (such as 1024).",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in newCache) (out sdk.Object, err error) {
			body, err := bodyOf(in)
			if err != nil {
				return nil, err
			}
			body["model"] = encode(in.full())
			return out, call.Do(ctx, sdk.Request{Path: "/v1beta/cachedContents", JSON: body}, &out)
		}),
	}, {
		Name: "list_cached_contents", Effect: sdk.Read, Run: sdk.Pages[listing]("GET /v1beta/cachedContents", "cachedContents", "nextPageToken"), Description: "Lists the caches, without what they hold.",
	}, {
		Name: "get_cached_content", Effect: sdk.Read, Run: sdk.Routed[oneCache]("GET /v1beta/{+name}"), Description: "Tells about one cache: model, size, when it ends. What it holds is not told.",
	}, {
		Name: "update_cached_content", Effect: sdk.Write, Run: sdk.Func(updateCache), Description: "Sets how much longer a cache is kept. Nothing else of it can be changed.",
	}, {
		Name: "delete_cached_content", Effect: sdk.Idempotent, Run: sdk.Deletes[oneCache]("DELETE /v1beta/{+name}"), Description: "Deletes one cache.",
	}}
}

func updateCache(ctx context.Context, call *sdk.Call, in cacheTime) (out sdk.Object, err error) {
	mask, value := "ttl", in.TTL
	if in.ExpireTime != "" {
		mask, value = "expireTime", in.ExpireTime
	}
	if (in.TTL == "") == (in.ExpireTime == "") {
		return nil, sdk.Invalid("/ttl", "give ttl or expireTime, one of them")
	}
	r, err := sdk.Route("PATCH /v1beta/{+name}", in.oneCache)
	if err != nil {
		return nil, err
	}
	r.JSON, r.Query = map[string]json.RawMessage{mask: encode(value)}, sdk.Query("updateMask", mask)
	return out, call.Do(ctx, r, &out)
}

package sdk

import (
	"encoding/json"
	"math"
)

// Count adds units (see [Call.AddUnits]) that an answer tells, by the names of the properties that tell them. What is no positive number is
// left out: usage is no reason to lose an answer.
func (c *Call) Count(usage json.RawMessage, units map[string]string) {
	var told Object
	if json.Unmarshal(usage, &told) != nil {
		return
	}
	for property, unit := range units {
		var n float64
		if json.Unmarshal(told[property], &n) == nil && n > 0 && !math.IsInf(n, 0) {
			c.AddUnits(unit, n)
		}
	}
}

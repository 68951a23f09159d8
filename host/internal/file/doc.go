// Package file owns the files that calls give: stored in sealed chunks under a data key of their own, kept for a day, and read by
// their owner or through a signed link that lasts for minutes.
package file

package kernel

import (
	"fmt"
	"slices"

	"github.com/google/nftables"
)

// RemoveTables removes nftables tables in one transaction. names has a family and a name each, like "ip kube-proxy".
// Tables that do not exist are skipped.
func RemoveTables(names []string) error {
	conn, err := nftables.New()
	if err != nil {
		return fmt.Errorf("cannot open nftables: %w", err)
	}
	tables, err := conn.ListTables()
	if err != nil {
		return fmt.Errorf("cannot list nftables tables: %w", err)
	}
	for _, table := range tables {
		if slices.Contains(names, familyName(table.Family)+" "+table.Name) {
			conn.DelTable(table)
		}
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("cannot remove nftables tables: %w", err)
	}
	return nil
}

// familyName returns a family in nft's notation, or an empty string for families without a name here.
func familyName(family nftables.TableFamily) string {
	switch family {
	case nftables.TableFamilyIPv4:
		return "ip"
	case nftables.TableFamilyIPv6:
		return "ip6"
	case nftables.TableFamilyINet:
		return "inet"
	}
	return ""
}

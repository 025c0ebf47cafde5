package kernel

import (
	"fmt"
	"slices"

	"github.com/google/nftables"
)

// RemoveTables removes nftables tables, each named as "FAMILY NAME", in one step. Those that are not there
// are left out.
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

// familyName is as nft writes it.
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

package firewalld

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// busOptions maps the settings of a zone or policy on firewalld's D-Bus interface to the options of firewall-cmd
// that add them. Settings that are missing here (descriptions, priorities) cannot be changed at run time, so no
// reload drops them.
func busOptions() map[string]string {
	return map[string]string{
		"services":      "--add-service",
		"ports":         string(AddPort),
		"source_ports":  "--add-source-port",
		"protocols":     "--add-protocol",
		"forward_ports": "--add-forward-port",
		"icmp_blocks":   "--add-icmp-block",
		"rules_str":     string(AddRichRule), // of a zone
		"rich_rules":    string(AddRichRule), // of a policy
		"interfaces":    addInterface,
		"sources":       string(AddSource),
		"ingress_zones": string(AddIngress),
		"egress_zones":  string(AddEgress),
		// These are booleans; their options take no value.
		"masquerade":           "--add-masquerade",
		"forward":              "--add-forward",
		"icmp_block_inversion": "--add-icmp-block-inversion",
	}
}

// busValue is a D-Bus value with its type signature, as busctl prints it.
type busValue struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// errAnswer reports a reply of a form that firewalld does not send.
var errAnswer = errors.New("the answer is malformed")

// ParseSection parses the settings of a zone or a policy as busctl --json=short prints them. The items are sorted by
// the name of their setting.
func ParseSection(answer []byte) (Section, error) {
	var settings []map[string]busValue
	if err := parseAnswer(answer, &settings); err != nil || len(settings) != 1 {
		return Section{}, fmt.Errorf("cannot read firewalld's settings: %w", errors.Join(errAnswer, err))
	}
	var section Section
	options := busOptions()
	for _, key := range slices.Sorted(maps.Keys(settings[0])) {
		value := settings[0][key]
		if key == "target" {
			if err := json.Unmarshal(value.Data, &section.Target); err != nil {
				return Section{}, fmt.Errorf("cannot read firewalld's target: %w", err)
			}
		}
		option, known := options[key]
		if !known {
			continue
		}
		values, err := value.texts()
		if err != nil {
			return Section{}, fmt.Errorf("cannot read firewalld's %s: %w", key, err)
		}
		for _, text := range values {
			section.Items = append(section.Items, Item{Option: option, Value: text})
		}
	}
	return section, nil
}

// parseAnswer decodes the data of a reply.
func parseAnswer(answer []byte, data any) error {
	var value busValue
	if err := json.Unmarshal(answer, &value); err != nil {
		return err
	}
	return json.Unmarshal(value.Data, data)
}

// texts returns a value as arguments for firewall-cmd. A boolean that is true becomes one empty argument. Ports and
// forwarded ports are tuples on the bus and are formatted as firewall-cmd writes them.
func (v busValue) texts() ([]string, error) {
	switch v.Type {
	case "b":
		var on bool
		err := json.Unmarshal(v.Data, &on)
		if on {
			return []string{""}, err
		}
		return nil, err
	case "as":
		var list []string
		err := json.Unmarshal(v.Data, &list)
		return list, err
	}
	var tuples [][]string
	if err := json.Unmarshal(v.Data, &tuples); err != nil {
		return nil, err
	}
	list := make([]string, len(tuples))
	for i, tuple := range tuples {
		switch len(tuple) {
		case 2: // port, protocol
			list[i] = tuple[0] + "/" + tuple[1]
		case 4: // port, protocol, to port, to address
			list[i] = fmt.Sprintf("port=%s:proto=%s:toport=%s:toaddr=%s", tuple[0], tuple[1], tuple[2], tuple[3])
		default:
			return nil, fmt.Errorf("%w: %s", errAnswer, strings.Join(tuple, " "))
		}
	}
	return list, nil
}

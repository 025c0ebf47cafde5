package firewalld

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The settings of a zone or policy have names of their own on firewalld's bus; these are what they are
// to firewall-cmd. Ports are pairs there, all others texts.
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
		// These are switches.
		"masquerade":           "--add-masquerade",
		"forward":              "--add-forward",
		"icmp_block_inversion": "--add-icmp-block-inversion",
	}
}

// busValue is a value with its type, as busctl prints it.
type busValue struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// errAnswer is an answer that firewalld does not give.
var errAnswer = errors.New("the answer is malformed")

// ParseSection reads the settings of a zone or a policy as busctl --json=short prints them.
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
			continue // descriptions, priorities: nothing that a reload takes away
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

func parseAnswer(answer []byte, data any) error {
	var value busValue
	if err := json.Unmarshal(answer, &value); err != nil {
		return err
	}
	return json.Unmarshal(value.Data, data)
}

// texts gives a value as what firewall-cmd takes; a switch that is on is one empty text.
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

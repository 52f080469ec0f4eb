using Hanbae.Api.Json;
using Hanbae.Machinery.Cel;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Crd.Structure;

namespace Hanbae.Server.Crd.Rules;

/// <summary>Holds an object against its definition's rules, within the cost that one object may have.</summary>
/// <remarks>Transition rules see the old value where it can be told which it was; a value that did not change may go on breaking other rules (KEP-4008).</remarks>
sealed class EnforcedRules
{
    const int LongestMessage = 5120;

    readonly List<FieldError> _errors = [];
    ulong _budget = CelLimits.PerObject;
    bool _spent;

    public static IReadOnlyList<FieldError> Check(RuleNode rules, JsonObject obj, JsonObject? old)
    {
        var check = new EnforcedRules();
        check.Node(rules, "", obj, old);
        return check._errors;
    }

    void Node(RuleNode node, string path, JsonValue value, JsonValue? old)
    {
        if (_spent || value is JsonNull) return;
        foreach (var rule in node.Rules)
        {
            Rule(node, rule, path, value, old is JsonNull ? null : old);
            if (_spent) return;
        }
        if (value is JsonObject o)
            foreach (var (name, member) in o)
            {
                var before = (old as JsonObject)?[name];
                if (node.Properties.TryGetValue(name, out var property)) Node(property, path.Length == 0 ? name : path + "." + name, member, before);
                else if (node.Additional is { } more && !node.Schema.Properties.ContainsKey(name)) Node(more, $"{path}[{name}]", member, before);
            }
        else if (value is JsonArray array && node.Items is { } items)
        {
            var earlier = old is JsonArray was && node.Schema.Props.XKubernetesListType == "map" ? ListKeys.Index(was, node.Schema) : null;
            for (int i = 0; i < array.Count; i++)
                Node(items, $"{path}[{i}]", array[i], earlier is not null && ListKeys.Of(array[i], node.Schema) is { } key ? earlier.GetValueOrDefault(key) : null);
        }
    }

    void Rule(RuleNode node, CompiledRule rule, string path, JsonValue value, JsonValue? old)
    {
        bool optional = rule.Rule.OptionalOldSelf == true;
        if (rule.IsTransition && old is null && !optional) return;
        var self = CelJson.Wrap(value, node.Values);
        var activation = new CelActivation(("self", self));
        if (optional) activation = activation.With("oldSelf", old is null ? CelOptional.None : CelOptional.Of(CelJson.Wrap(old, node.Values)));
        else if (old is not null) activation = activation.With("oldSelf", CelJson.Wrap(old, node.Values));
        string at = path.Length == 0 ? "<nil>" : path;

        var result = rule.Program.Evaluate(activation, CelLimits.PerCall, CancellationToken.None);
        if (!Pay(result.Cost, at, node)) return;
        if (result.BudgetExceeded)
        {
            _errors.Add(Wrong(at, node, $"'{result.Error}': no further validation rules will be run due to call cost exceeds limit for rule: {rule.Text}"));
            _spent = true;
            return;
        }
        if (result is { Error: null, Value: CelBool { Value: true } }) return;
        // What was so before may stay so, unless the rule is about the change itself.
        if (!rule.IsTransition && old is not null && value.Equals(old)) return;
        if (result.Error is { } error)
        {
            _errors.Add(Wrong(at, node, error.StartsWith("no such overload", StringComparison.Ordinal)
                ? $"'{error}': call arguments did not match a supported operator, function or macro signature for rule: {rule.Text}" : $"{error} evaluating rule: {rule.Text}"));
            return;
        }
        string detail = MessageOf(rule, activation, at, node);
        if (rule.Rule.FieldPath.Length > 0) at = SchemaPath.Of(rule.Rule.FieldPath, node.Schema, out _) is { } field ? field.Below(path) : path + rule.Rule.FieldPath;
        string shown = node.Schema.Type is "object" or "array" ? FieldError.Quoted(node.Schema.Type) : value is JsonString s ? FieldError.Quoted(s.Value) : SchemaValidator.Shown(value);
        _errors.Add(rule.Rule.Reason switch
        {
            "FieldValueForbidden" => FieldError.Forbidden(at, detail),
            "FieldValueRequired" => FieldError.Required(at, detail),
            "FieldValueDuplicate" => new(FieldErrorType.Duplicate, at, shown, ""),
            _ => FieldError.InvalidAs(at, shown, detail),
        });
    }

    static FieldError Wrong(string at, RuleNode node, string detail) => FieldError.InvalidAs(at, FieldError.Quoted(node.Schema.Type), detail);

    /// <returns>False when the object has used up what all its rules together may cost.</returns>
    bool Pay(ulong cost, string at, RuleNode node)
    {
        if (cost <= _budget)
        {
            _budget -= cost;
            return true;
        }
        _errors.Add(Wrong(at, node, "validation failed due to running out of cost budget, no further validation rules will be run"));
        _spent = true;
        return false;
    }

    string MessageOf(CompiledRule rule, CelActivation activation, string at, RuleNode node)
    {
        if (rule.Message is not { Error: null } message) return rule.Fallback;
        var result = message.Evaluate(activation, CelLimits.PerCall, CancellationToken.None);
        if (!Pay(result.Cost, at, node)) return rule.Fallback;
        // As upstream: a message that cannot be shown is as good as none.
        return result.Value is CelString { Value: var text } && text.Trim() is { Length: > 0 and <= LongestMessage } shown && !shown.AsSpan().ContainsAny('\n', '\r') ? shown : rule.Fallback;
    }
}

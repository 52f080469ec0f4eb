using System.Collections.Immutable;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Machinery.Cel;
using Hanbae.Server.Crd.Structure;

namespace Hanbae.Server.Crd.Rules;

/// <summary>A rule (x-kubernetes-validations, KEP-2876), compiled.</summary>
/// <param name="IsTransition">It looks at the old value: it only holds between two states.</param>
sealed record CompiledRule(ValidationRule Rule, CelProgram Program, CelProgram? Message, bool IsTransition)
{
    public string Text => Rule.Rule.Trim();
    /// <summary>What is told when the rule has no better words.</summary>
    public string Fallback => Rule.Message.Trim() is { Length: > 0 } message ? message : "failed rule: " + Text;
}

/// <summary>The rules of a schema's node and of what is below it; parts without rules are left out.</summary>
sealed class RuleNode
{
    RuleNode(Structural schema, bool isRoot)
    {
        Schema = schema;
        Values = RuleSchema.Of(schema, isRoot);
        Rules = [.. schema.Props.XKubernetesValidations.Select(Compile)];
    }

    public Structural Schema { get; }
    public CelSchema Values { get; }
    public ImmutableArray<CompiledRule> Rules { get; }
    public Dictionary<string, RuleNode> Properties { get; } = [];
    public RuleNode? Items { get; private set; }
    public RuleNode? Additional { get; private set; }

    /// <summary>Null when there are no rules at all.</summary>
    public static RuleNode? Of(Structural schema, bool isRoot = true)
    {
        if (!HasRules(schema)) return null;
        var node = new RuleNode(schema, isRoot) { Items = schema.Items is { } items ? Of(items, false) : null, Additional = schema.Additional is { } more ? Of(more, false) : null };
        foreach (var (name, property) in schema.Properties)
            if (Of(property, false) is { } below) node.Properties[name] = below;
        return node;
    }

    static bool HasRules(Structural s) => !s.Props.XKubernetesValidations.IsEmpty || s.Properties.Values.Any(HasRules) || s.Items is { } i && HasRules(i) || s.Additional is { } a && HasRules(a);

    CompiledRule Compile(ValidationRule rule)
    {
        var env = CelEnvironment.Kubernetes.WithVariable("self", Values, "selfType");
        env = rule.OptionalOldSelf == true ? env.WithOptionalVariable("oldSelf", Values, "selfType") : env.WithVariable("oldSelf", Values, "selfType");
        var program = env.Compile(rule.Rule);
        return new(rule, program, rule.MessageExpression.Length == 0 ? null : env.Compile(rule.MessageExpression), program.Error is null && program.Uses("oldSelf"));
    }
}

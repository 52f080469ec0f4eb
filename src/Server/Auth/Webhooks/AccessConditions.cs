using Hanbae.Api.Json;
using Hanbae.Machinery.Cel;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Auth.Webhooks;

/// <summary>Expressions that must all be true for an authorization webhook to be asked (KEP-3221).</summary>
sealed class AccessConditions
{
    const int Most = 64;

    static readonly CelSchema s_text = CelSchema.String, s_texts = CelSchema.List(CelSchema.String);

    static readonly CelSchema s_requirement = Fields(("key", s_text), ("operator", s_text), ("values", s_texts));
    static readonly CelSchema s_selector = Fields(("rawSelector", s_text), ("requirements", CelSchema.List(s_requirement)));

    static readonly CelSchema s_request = Fields(
        ("resourceAttributes", Fields(("namespace", s_text), ("verb", s_text), ("group", s_text), ("version", s_text), ("resource", s_text), ("subresource", s_text), ("name", s_text),
            ("fieldSelector", s_selector), ("labelSelector", s_selector))),
        ("nonResourceAttributes", Fields(("path", s_text), ("verb", s_text))),
        ("user", s_text), ("groups", s_texts), ("extra", CelSchema.Map(s_texts)), ("uid", s_text));

    static readonly CelEnvironment s_env = CelEnvironment.Kubernetes.WithVariable("request", s_request, "kubernetes.SubjectAccessReviewSpec");

    readonly CelProgram[] _programs;

    AccessConditions(CelProgram[] programs) => _programs = programs;

    static CelSchema Fields(params ReadOnlySpan<(string Name, CelSchema Schema)> fields)
    {
        var properties = new List<CelProperty>();
        foreach (var (name, schema) in fields) properties.Add(new(name, () => schema) { Identifier = name });
        return CelSchema.Object([.. properties]);
    }

    public static AccessConditions Compile(IReadOnlyList<string> expressions, string at, List<FieldError> errors)
    {
        if (expressions.Count > Most)
        {
            errors.Add(FieldError.TooMany(at, expressions.Count, Most));
            return new([]);
        }
        var seen = new HashSet<string>();
        var programs = new List<CelProgram>();
        foreach (var (i, expression) in expressions.Index())
        {
            string where = $"{at}[{i}].expression";
            if (expression.Trim().Length == 0) errors.Add(FieldError.Required(where, ""));
            else if (!seen.Add(expression)) errors.Add(FieldError.Duplicate(where, expression));
            else
            {
                var program = s_env.Compile(expression);
                if (program.Error is { } error) errors.Add(FieldError.Invalid(where, expression, "compilation failed: " + error));
                else if (program.ResultType != CelType.Bool) errors.Add(FieldError.Invalid(where, expression, "must evaluate to bool"));
                programs.Add(program);
            }
        }
        return new([.. programs]);
    }

    /// <summary>Whether the webhook is to be asked; null with the reason when nobody can tell.</summary>
    public bool? Match(Attributes attributes, out string? error, CancellationToken ct)
    {
        error = null;
        if (_programs.Length == 0) return true;
        var over = new CelActivation(("request", CelJson.Wrap(TreeOf(attributes), s_request)));
        ulong budget = CelLimits.PerMatchConditions;
        foreach (var program in _programs)
        {
            var result = program.Evaluate(over, Math.Min(budget, CelLimits.PerCall), ct);
            budget -= Math.Min(budget, result.Cost);
            // One that is false decides, whatever became of the others.
            if (result.Value is CelBool { Value: false })
            {
                error = null;
                return false;
            }
            if (result.Value is not CelBool) error ??= result.Error ?? "match condition is no boolean";
        }
        return error is null ? true : null;
    }

    /// <summary>With every text that there can be, the empty ones too: expressions need no has() for them, as upstream.</summary>
    static JsonObject TreeOf(Attributes a)
    {
        var user = a.User;
        var tree = JsonObject.Of(("user", user.Name), ("groups", Texts(user.Groups)), ("uid", user.Uid), ("extra", JsonObject.Of([.. user.Extra.Select(e => (e.Key, (JsonValue)Texts(e.Value)))])));
        if (!a.IsResourceRequest) return tree.With("nonResourceAttributes", JsonObject.Of(("path", a.Path), ("verb", a.Verb)));
        var resource = JsonObject.Of(("namespace", a.Namespace), ("verb", a.Verb), ("group", a.ApiGroup), ("version", a.ApiVersion), ("resource", a.Resource), ("subresource", a.Subresource), ("name", a.Name));
        if (ReviewText.Spec(a).ResourceAttributes is { } selectors)
        {
            if (selectors.FieldSelector is { } fields) resource = resource.With("fieldSelector", ReviewText.Tree(fields));
            if (selectors.LabelSelector is { } labels) resource = resource.With("labelSelector", ReviewText.Tree(labels));
        }
        return tree.With("resourceAttributes", resource);
    }

    static JsonArray Texts(Api.Seq<string> texts) => new([.. texts.Select(t => (JsonValue)t)]);
}

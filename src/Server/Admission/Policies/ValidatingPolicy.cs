using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Machinery.Cel;
using Hanbae.Server.Admission.Expressions;
using Hanbae.Server.Admission.Webhooks;

namespace Hanbae.Server.Admission.Policies;

/// <summary>A ValidatingAdmissionPolicy, compiled.</summary>
sealed class ValidatingPolicy
{
    const int LongestMessage = 5 * 1024, LongestAnnotation = 10 * 1024;

    readonly ValidatingAdmissionPolicySpec _spec;
    readonly PolicyExpressions _expressions;
    readonly MatchConditions _conditions;
    readonly (Validation Validation, CelProgram Program, CelProgram? Message)[] _validations;
    readonly (string Key, string Expression, CelProgram Program)[] _annotations;

    public ValidatingPolicy(ValidatingAdmissionPolicy policy)
    {
        (Name, _spec) = (policy.Metadata.Name, policy.Spec);
        _expressions = new(_spec.Variables, _spec.ParamKind is not null);
        Selection = SelectionOf(_spec.MatchConstraints, all: false);
        _conditions = new(_spec.MatchConditions, _expressions.Conditions, FailsClosed);
        _validations = [.. _spec.Validations.Select(v => (v, _expressions.Compile(v.Expression), v.MessageExpression.Length > 0 ? _expressions.Compile(v.MessageExpression) : null))];
        _annotations = [.. _spec.AuditAnnotations.Select(a => (a.Key, a.ValueExpression, _expressions.Compile(a.ValueExpression)))];
    }

    public string Name { get; }
    public Selection Selection { get; }
    public ParamKind? ParamKind => _spec.ParamKind;
    public bool FailsClosed => _spec.FailurePolicy != "Ignore";

    /// <param name="all">A binding without rules is about all that its policy is about.</param>
    public static Selection SelectionOf(MatchResources? match, bool all) => match is null ? new(all ? null : [], [], null, null, null)
        : new(all && match.ResourceRules.IsEmpty ? null : ResourceRule.Of(match.ResourceRules), ResourceRule.Of(match.ExcludeResourceRules), match.MatchPolicy, match.NamespaceSelector, match.ObjectSelector);

    /// <param name="values">Of the request, the namespace and the parameter.</param>
    public Judgement Judge(CelActivation values, CancellationToken ct)
    {
        var (matches, error) = _conditions.Match(values, ct);
        if (!matches) return error is null ? Judgement.None : new([new(error, "")], []);

        var found = new List<Objection>();
        var budget = new Budget();
        var all = _expressions.With(values, budget, ct);
        for (int i = 0; i < _validations.Length && !budget.IsSpent; i++)
        {
            var (validation, program, message) = _validations[i];
            var result = budget.Evaluate(program, all, ct);
            if (budget.Wrong(validation.Expression, program, result) is { } why)
            {
                if (FailsClosed) found.Add(new(why, "", i));
            }
            else if (result.Value is not CelBool { Value: true }) found.Add(new(MessageOf(validation, message, all, budget, ct), validation.Reason ?? "Invalid", i));
        }
        return new(found, Annotate(values, found, ct));
    }

    /// <summary>With a budget of their own.</summary>
    List<(string, string)> Annotate(CelActivation values, List<Objection> found, CancellationToken ct)
    {
        var annotations = new List<(string, string)>();
        var budget = new Budget();
        var all = _expressions.With(values, budget, ct);
        foreach (var (key, expression, program) in _annotations)
        {
            var result = budget.Evaluate(program, all, ct);
            // Denied whatever the binding says: what is to be known of the request could not be.
            if (budget.Wrong(expression, program, result) is { } why)
            {
                if (FailsClosed) found.Add(new(why, "", Always: true));
            }
            else if (result.Value is CelString { Value: var text } && text.Trim() is { Length: > 0 } shown) annotations.Add((key, shown.Length > LongestAnnotation ? shown[..LongestAnnotation] : shown));
        }
        return annotations;
    }

    static string MessageOf(Validation validation, CelProgram? program, CelActivation values, Budget budget, CancellationToken ct)
    {
        if (program is not null && budget.Evaluate(program, values, ct).Value is CelString { Value: var text } && text.Trim() is { Length: > 0 and <= LongestMessage } shown && !shown.Contains('\n')) return shown;
        return validation.Message.Trim() is { Length: > 0 } message ? message : "failed expression: " + validation.Expression.Trim();
    }
}

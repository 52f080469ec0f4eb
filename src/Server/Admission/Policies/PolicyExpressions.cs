using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Machinery.Cel;
using Hanbae.Server.Admission.Expressions;

namespace Hanbae.Server.Admission.Policies;

/// <summary>A policy's variables: compiled one upon the other, evaluated when first named, once per request.</summary>
sealed class PolicyExpressions
{
    readonly (string Name, string Expression, CelProgram Program)[] _variables;
    readonly CelType _type;

    public PolicyExpressions(Seq<Variable> variables, bool hasParams, CelLibraries libraries = CelLibraries.Kubernetes, Func<CelEnvironment, CelEnvironment>? more = null)
        : this(variables, more is null ? RequestVariables.Policy(hasParams, libraries) : more(RequestVariables.Policy(hasParams, libraries))) { }

    /// <param name="env">What variables may name besides each other.</param>
    public PolicyExpressions(Seq<Variable> variables, CelEnvironment env)
    {
        Conditions = env;
        var types = new Dictionary<string, CelType>(StringComparer.Ordinal);
        var compiled = new List<(string, string, CelProgram)>();
        foreach (var variable in variables)
        {
            // Each sees those before it.
            var program = env.WithVariable("variables", TypeOf(types)).Compile(variable.Expression);
            compiled.Add((variable.Name, variable.Expression, program));
            types[variable.Name] = program.Error is null ? program.ResultType : CelType.Dyn;
        }
        (_variables, _type) = ([.. compiled], TypeOf(types));
        Environment = env.WithVariable("variables", _type);
    }

    /// <summary>Of match conditions, which are decided before there are variables.</summary>
    public CelEnvironment Conditions { get; }
    public CelEnvironment Environment { get; }
    public IReadOnlyList<(string Name, string Expression, CelProgram Program)> Variables => _variables;

    static CelType TypeOf(Dictionary<string, CelType> types) => CelType.Object("kubernetes.variables", new Dictionary<string, CelType>(types, StringComparer.Ordinal));

    public CelProgram Compile(string expression) => Environment.Compile(expression);

    /// <param name="budget">What everything of the policy may cost together.</param>
    public CelActivation With(CelActivation values, Budget budget, CancellationToken ct)
    {
        var fields = new Dictionary<string, Func<CelValue>>(StringComparer.Ordinal);
        CelActivation? all = null;
        foreach (var (name, _, program) in _variables)
            fields[name] = () =>
            {
                if (program.Error is { } broken) return new CelError($"composited variable \"{name}\" fails to compile: {broken}");
                var result = budget.Evaluate(program, all!, ct);
                return result.Value ?? new CelError($"composited variable \"{name}\" fails to evaluate: {result.Error}");
            };
        return all = values.With("variables", new CelLazyObject(_type, fields));
    }
}

/// <summary>What the expressions of one policy may still cost for one request.</summary>
sealed class Budget(ulong left = CelLimits.PerObject)
{
    public const string Exhausted = "validation failed due to running out of cost budget, no further validation rules will be run";

    ulong _left = left;

    public bool IsSpent { get; private set; }
    public ref ulong Left => ref _left;

    public CelResult Evaluate(CelProgram program, CelActivation values, CancellationToken ct)
    {
        var result = program.Evaluate(values, Math.Min(_left, CelLimits.PerCall), ct);
        if (result.Cost > _left || result.BudgetExceeded && _left < CelLimits.PerCall) IsSpent = true;
        _left -= Math.Min(_left, result.Cost);
        return result;
    }

    /// <summary>What went wrong in upstream's words; null when nothing did.</summary>
    public string? Wrong(string expression, CelProgram program, CelResult result) =>
        IsSpent ? Exhausted
        : program.Error is { } broken ? "compilation error: compilation failed: " + broken
        : result.Error is { } why ? $"expression '{expression.Trim()}' resulted in error: {why}" : null;
}

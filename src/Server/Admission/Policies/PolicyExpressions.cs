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

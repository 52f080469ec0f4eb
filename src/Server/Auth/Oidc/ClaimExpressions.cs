using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Machinery.Cel;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Auth.Configuration;

namespace Hanbae.Server.Auth.Oidc;

/// <summary>Makes a user of a token's claims, by the names of claims and by CEL (KEP-3331).</summary>
sealed class ClaimExpressions
{
    static readonly CelSchema s_user = CelSchema.Object(
        new CelProperty("username", () => CelSchema.String), new CelProperty("uid", () => CelSchema.String),
        new CelProperty("groups", () => CelSchema.List(CelSchema.String)), new CelProperty("extra", () => CelSchema.Map(CelSchema.List(CelSchema.String))));

    static readonly CelEnvironment s_overClaims = CelEnvironment.Kubernetes.WithVariable("claims", CelType.Map(CelType.String, CelType.Dyn));
    static readonly CelEnvironment s_overUser = CelEnvironment.Kubernetes.WithVariable("user", s_user, "kubernetes.UserInfo");

    readonly JwtAuthenticator _config;
    readonly CelProgram? _username, _groups, _uid;
    readonly ImmutableArray<(string Key, CelProgram Program)> _extra;
    readonly ImmutableArray<(ClaimRule Rule, CelProgram? Program)> _claimRules;
    readonly ImmutableArray<(UserRule Rule, CelProgram Program)> _userRules;

    ClaimExpressions(JwtAuthenticator config, string at, List<FieldError> errors)
    {
        _config = config;
        _claimRules = [.. ClaimRules(config, at + ".claimValidationRules", errors)];
        string mappings = at + ".claimMappings";
        _username = Source(config.Username, mappings + ".username", required: true, errors);
        _groups = Source(config.Groups, mappings + ".groups", required: false, errors);
        if (config.Uid is { Claim.Length: > 0, Expression.Length: > 0 }) errors.Add(FieldError.Invalid(mappings + ".uid", "", "claim and expression can't both be set"));
        else if (config.Uid.Expression is { Length: > 0 } uid) _uid = Compile(s_overClaims, uid, mappings + ".uid.expression", null, errors);
        _extra = [.. Extra(config, mappings + ".extra", errors)];
        // An address that nobody verified is anybody's.
        if (_username is { Error: null } && Names(_username, "email") && !Names(_username, "email_verified")
            && !_extra.Any(e => Names(e.Program, "email_verified")) && !_claimRules.Any(r => r.Program is not null && Names(r.Program, "email_verified")))
            errors.Add(FieldError.Invalid(mappings + ".username.expression", config.Username.Expression,
                "claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression "
                    + "or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression"));
        _userRules = [.. UserRules(config, at + ".userValidationRules", errors)];
    }

    /// <param name="at">Where the authenticator stands in the file.</param>
    public static ClaimExpressions Compile(JwtAuthenticator config, string at, List<FieldError> errors) => new(config, at, errors);

    static bool Names(CelProgram program, string claim) => program.FieldsOf("claims").Contains(claim);

    static CelProgram Compile(CelEnvironment env, string expression, string at, CelType? wanted, List<FieldError> errors)
    {
        var program = env.Compile(expression);
        if (program.Error is { } error) errors.Add(FieldError.Invalid(at, expression, "compilation failed: " + error));
        else if (wanted is not null && program.ResultType != wanted) errors.Add(FieldError.Invalid(at, expression, "must evaluate to " + wanted.Name));
        return program;
    }

    static CelProgram? Source(ClaimSource source, string at, bool required, List<FieldError> errors)
    {
        switch (source)
        {
            case { Claim.Length: > 0, Expression.Length: > 0 }:
                errors.Add(FieldError.Invalid(at, "", "claim and expression can't both be set"));
                return null;
            case { Expression.Length: > 0 }:
                if (source.Prefix is { } prefix) errors.Add(FieldError.Invalid(at + ".prefix", prefix, "prefix can't be set when expression is set"));
                return Compile(s_overClaims, source.Expression, at + ".expression", null, errors);
            case { Claim.Length: > 0 }:
                if (source.Prefix is null) errors.Add(FieldError.Required(at + ".prefix", "prefix is required when claim is set. It can be set to an empty string to disable prefixing"));
                return null;
            default:
                if (required) errors.Add(FieldError.Required(at, "claim or expression is required"));
                return null;
        }
    }

    static IEnumerable<(string, CelProgram)> Extra(JwtAuthenticator config, string list, List<FieldError> errors)
    {
        var seen = new HashSet<string>();
        foreach (var (i, (key, expression)) in config.Extra.Index())
        {
            string at = $"{list}[{i}]";
            if (ExtraKeys.WhatIsWrong(key) is { } wrong) errors.Add(key.Length == 0 ? FieldError.Required(at + ".key", "") : FieldError.Invalid(at + ".key", key, wrong));
            if (key != key.ToLowerInvariant()) errors.Add(FieldError.Invalid(at + ".key", key, "must be lowercase"));
            if (ExtraKeys.IsKubernetes(key)) errors.Add(FieldError.Invalid(at + ".key", key, "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use"));
            if (!seen.Add(key)) errors.Add(FieldError.Duplicate(at + ".key", key));
            else if (expression.Length == 0) errors.Add(FieldError.Required(at + ".valueExpression", "valueExpression is required"));
            else yield return (key, Compile(s_overClaims, expression, at + ".valueExpression", null, errors));
        }
    }

    static IEnumerable<(ClaimRule, CelProgram?)> ClaimRules(JwtAuthenticator config, string list, List<FieldError> errors)
    {
        HashSet<string> claims = [], expressions = [];
        foreach (var (i, rule) in config.ClaimRules.Index())
        {
            string at = $"{list}[{i}]";
            CelProgram? program = null;
            switch (rule)
            {
                case { Claim.Length: > 0, Expression.Length: > 0 }: errors.Add(FieldError.Invalid(at, rule.Claim, "claim and expression can't both be set")); break;
                case { Claim.Length: 0, Expression.Length: 0 }: errors.Add(FieldError.Required(at, "claim or expression is required")); break;
                case { Claim.Length: > 0 }:
                    if (rule.Message.Length > 0) errors.Add(FieldError.Invalid(at + ".message", rule.Message, "message can't be set when claim is set"));
                    if (!claims.Add(rule.Claim)) errors.Add(FieldError.Duplicate(at + ".claim", rule.Claim));
                    break;
                default:
                    if (rule.RequiredValue.Length > 0) errors.Add(FieldError.Invalid(at + ".requiredValue", rule.RequiredValue, "requiredValue can't be set when expression is set"));
                    if (!expressions.Add(rule.Expression)) errors.Add(FieldError.Duplicate(at + ".expression", rule.Expression));
                    else program = Compile(s_overClaims, rule.Expression, at + ".expression", CelType.Bool, errors);
                    break;
            }
            yield return (rule, program);
        }
    }

    static IEnumerable<(UserRule, CelProgram)> UserRules(JwtAuthenticator config, string list, List<FieldError> errors)
    {
        var seen = new HashSet<string>();
        foreach (var (i, rule) in config.UserRules.Index())
        {
            string at = $"{list}[{i}].expression";
            if (rule.Expression.Length == 0) errors.Add(FieldError.Required(at, "expression is required"));
            else if (!seen.Add(rule.Expression)) errors.Add(FieldError.Duplicate(at, rule.Expression));
            else yield return (rule, Compile(s_overUser, rule.Expression, at, CelType.Bool, errors));
        }
    }

    /// <exception cref="FormatException">The claims make no user, or not one that is let in.</exception>
    public Identity UserOf(JsonObject claims, CancellationToken ct)
    {
        // All expressions of one token share what upstream lets one object's expressions cost: a claim cannot be a bomb.
        var budget = new Budget { Left = CelLimits.PerObject };
        var over = new CelActivation(("claims", CelJson.Wrap(claims)));
        string name = _username is null ? ClaimValues.Username(claims, _config.Username)
            : Evaluate(_username, over, budget, ct) is CelString s ? s.Value : throw new FormatException("oidc: error evaluating username claim expression: username claim expression must return a string");
        if (name.Length == 0) throw new FormatException("oidc: error evaluating username: username must not be empty");
        var groups = _groups is null ? ClaimValues.Groups(claims, _config.Groups) : Texts(Evaluate(_groups, over, budget, ct), "groups");
        string uid = _uid is not null ? Evaluate(_uid, over, budget, ct) is CelString u ? u.Value : throw new FormatException("oidc: error evaluating uid claim expression: uid claim expression must return a string")
            : _config.Uid.Claim.Length > 0 ? ClaimValues.Text(claims, _config.Uid.Claim, "uid") : "";
        var extra = Map.Of<Seq<string>>();
        foreach (var (key, program) in _extra)
            if (Texts(Evaluate(program, over, budget, ct), "extra") is { IsEmpty: false } values) extra = extra.Set(key, values);
        foreach (var (rule, program) in _claimRules)
            if (program is null) ClaimValues.Require(claims, rule);
            else if (Evaluate(program, over, budget, ct) is not CelBool { Value: true }) throw new FormatException("oidc: error evaluating claim validation expression: " + Failed(rule.Expression, rule.Message));
        var user = new Identity(name, groups) { Uid = uid, Extra = extra };
        if (!_userRules.IsEmpty) Check(user, budget, ct);
        return user;
    }

    void Check(Identity user, Budget budget, CancellationToken ct)
    {
        var over = new CelActivation(("user", CelJson.Wrap(ClaimValues.TreeOf(user), s_user)));
        foreach (var (rule, program) in _userRules)
            if (Evaluate(program, over, budget, ct) is not CelBool { Value: true }) throw new FormatException("oidc: error evaluating user info validation rule: " + Failed(rule.Expression, rule.Message));
    }

    static string Failed(string expression, string message) => $"validation expression '{expression}' failed" + (message.Length > 0 ? ": " + message : "");

    sealed class Budget { public ulong Left; }

    static CelValue Evaluate(CelProgram program, CelActivation over, Budget budget, CancellationToken ct)
    {
        var result = program.Evaluate(over, Math.Min(budget.Left, CelLimits.PerCall), ct);
        budget.Left -= Math.Min(budget.Left, result.Cost);
        return result.Value ?? throw new FormatException("oidc: " + (result.BudgetExceeded ? "validation failed due to running out of cost budget" : result.Error));
    }

    /// <summary>A text is one value; nothing, and the empty text, is none.</summary>
    static Seq<string> Texts(CelValue value, string what) => CelJson.ToJson(value, out _) switch
    {
        JsonNull or JsonString { Value: "" } => [],
        JsonString one => [one.Value],
        JsonArray many when many.Items.All(i => i is JsonString) => [.. many.Items.Select(i => ((JsonString)i).Value).Where(t => t.Length > 0)],
        _ => throw new FormatException($"oidc: error evaluating {what} claim expression: expression must return a string or a list of strings"),
    };
}

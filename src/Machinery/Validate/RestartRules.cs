using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>When a container of its own accord starts again, whatever the Pod's policy says (KEP-753, KEP-5307, KEP-5532).</summary>
static class RestartRules
{
    const int MostRules = 20, MostCodes = 255;

    public static void Container(FieldPath at, Container c, bool init, Errors errors)
    {
        if (c.RestartPolicy is { } policy) errors.OneOf(at["restartPolicy"], policy, "Always", "Never", "OnFailure");
        else if (!c.RestartPolicyRules.IsEmpty) errors.Required(at["restartPolicy"], "must specify restartPolicy when restart rules are used");
        var rules = at["restartPolicyRules"];
        if (c.RestartPolicyRules.Count > MostRules) errors.TooMany(rules, c.RestartPolicyRules.Count, MostRules);
        bool sidecar = init && c.RestartPolicy == "Always";
        for (int i = 0; i < c.RestartPolicyRules.Count; i++)
        {
            Rule(rules[i], c.RestartPolicyRules[i], errors);
            // A sidecar starts again whatever it ends with: of it, only rules about the others say something.
            if (sidecar && c.RestartPolicyRules[i].Action == "Restart") errors.Forbidden(rules[i]["action"], "may only be RestartAllContainers for init containers with restartPolicy=Always");
        }
    }

    static void Rule(FieldPath at, ContainerRestartRule rule, Errors errors)
    {
        errors.OneOf(at["action"], rule.Action, "Restart", "RestartAllContainers");
        if (rule.ExitCodes is not { } codes) { errors.Required(at["exitCodes"], "must be specified"); return; }
        var here = at["exitCodes"];
        errors.OneOf(here["operator"], codes.Operator, "In", "NotIn");
        if (codes.Values.Count > MostCodes) errors.TooMany(here["values"], codes.Values.Count, MostCodes);
    }
}

using System.Reflection;

namespace Hanbae.Server.Tests.Attacks;

/// <summary>What has been tried against the server, and that somebody tries it each time.</summary>
public sealed class AttackListTests
{
    static readonly string[] s_attacks =
    [
        "token replay across audiences", "expired and future tokens", "alg confusion", "path traversal in names", "header smuggling", "forged front-proxy headers",
        "RBAC escalation by bind", "RBAC escalation by escalate", "RBAC escalation by impersonate", "RBAC escalation by aggregation", "a node reading other nodes' secrets",
        "webhook loops", "CEL cost bombs", "quota races", "request floods", "slow readers", "slow writers", "oversized HTTP/2 settings",
    ];

    [Fact]
    public void Every_attack_has_a_test_that_names_it()
    {
        var named = typeof(AttackListTests).Assembly.GetTypes().SelectMany(t => t.GetMethods())
            .Where(m => m.GetCustomAttribute<FactAttribute>() is { Skip: null })
            .SelectMany(m => m.CustomAttributes).Where(a => a.AttributeType == typeof(TraitAttribute) && (string?)a.ConstructorArguments[0].Value == "Attack")
            .Select(a => (string)a.ConstructorArguments[1].Value!).ToHashSet();
        Assert.Equal(s_attacks.Order(StringComparer.Ordinal), named.Order(StringComparer.Ordinal));
    }
}

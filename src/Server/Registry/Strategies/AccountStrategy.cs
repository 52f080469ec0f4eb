using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Admission.Plugins;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Service accounts: who holds Pods to Secrets in a way that is given up is told so, once.</summary>
public sealed class AccountStrategy() : Strategy(ServiceAccount.Info)
{
    public override IReadOnlyList<string> Warnings(IObject obj, IObject? old) =>
        !Has(obj) || old is not null && Has(old) ? [] :
        [
            $"metadata.annotations[{MountableSecrets.Annotation}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets",
        ];

    static bool Has(IObject obj) => obj.Metadata.Annotations.ContainsKey(MountableSecrets.Annotation);
}

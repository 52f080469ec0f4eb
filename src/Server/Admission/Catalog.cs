using System.Collections.Immutable;
using Hanbae.Server.Admission.Plugins;
using Hanbae.Server.Admission.Policies;
using Hanbae.Server.Admission.Webhooks;
using Hanbae.Server.Auth;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission;

/// <summary>The plugins that every write passes, in upstream's order.</summary>
static class AdmissionCatalog
{
    /// <param name="authorizer">Whom expressions ask.</param>
    /// <param name="last">Checks that upstream does behind admission.</param>
    public static ImmutableArray<IAdmission> Of(ServedObjects objects, IAuthorizer authorizer, TimeProvider time, params ReadOnlySpan<IAdmission> last)
    {
        var versions = new ResourceVersions(objects);
        var clients = new WebhookClients(WebhookServices.In(objects));
        return
        [
            // First: nothing else matters in a namespace that is not there.
            new NamespaceLifecycle(objects),
            // Before anything that counts requests and limits.
            new LimitRanger(objects),
            new ServiceAccounts(objects, time),
            // Behind the service account: a mirror Pod must have been given none.
            new NodeRestriction(objects),
            new TaintNodesByCondition(),
            new Priority(objects),
            new DefaultTolerationSeconds(),
            new DefaultStorageClass(objects),
            new StorageObjectInUseProtection(),
            new PersistentVolumeClaimResize(objects),
            // Adds tolerations and overhead: behind the defaults, before whatever counts.
            new RuntimeClasses(objects),
            // Who may decide on certificates and issue them is a right beside that to write the requests.
            new CertificateApproval(authorizer),
            new CertificateSigning(authorizer),
            new CertificateSubjectRestriction(),
            new DefaultIngressClass(objects),
            // Clients' own: behind all that this server changes, before whatever counts.
            new MutatingWebhooks(objects, versions, authorizer, clients),
            new ValidatingPolicies(objects, versions, authorizer),
            new ValidatingWebhooks(objects, versions, authorizer, clients),
            .. last,
            // Behind everything that changes or refuses: what is charged is what is written.
            new ResourceQuotas(objects, time),
        ];
    }
}

using System.Collections.Frozen;
using System.Collections.Immutable;
using Hanbae.Server.Admission.Configuration;
using Hanbae.Server.Admission.Plugins;
using Hanbae.Server.Admission.PodSecurity;
using Hanbae.Server.Admission.Policies;
using Hanbae.Server.Admission.Webhooks;
using Hanbae.Server.Auth;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission;

/// <summary>The plugins that every write passes, in upstream's order, by upstream's names.</summary>
static class AdmissionCatalog
{
    /// <summary>What plugins are made of.</summary>
    sealed record Parts(ServedObjects Objects, IAuthorizer Authorizer, AdmissionConfiguration Configuration, TimeProvider Time)
    {
        public ResourceVersions Versions { get; } = new(Objects);
        readonly WebhookCounts _counts = new();

        public WebhookClients Mutating => field ??= Clients(Configuration.MutatingUsers);
        public WebhookClients Validating => field ??= Clients(Configuration.ValidatingUsers);

        WebhookClients Clients(string file)
        {
            if (file.Length == 0) return new(new(Objects.Stored), WebhookUsers.None, _counts);
            var (users, current) = Backends.Kubeconfig.Users(file);
            return new(new(Objects.Stored), new(users, current), _counts);
        }
    }

    sealed record Entry(string Name, bool ByDefault, Type Type, Func<Parts, IAdmission?> Make);

    static Entry On<T>(string name, Func<Parts, T> make) where T : class, IAdmission => new(name, true, typeof(T), make);
    static Entry Off<T>(string name, Func<Parts, T> make) where T : class, IAdmission => new(name, false, typeof(T), make);

    static readonly ImmutableArray<Entry> s_all =
    [
        new("AlwaysAdmit", false, typeof(object), _ => null),
        // Namespaces first: nothing else matters in one that is not there.
        Off("NamespaceAutoProvision", p => new NamespaceAutoProvision(p.Objects)),
        On("NamespaceLifecycle", p => new NamespaceLifecycle(p.Objects)),
        Off("NamespaceExists", p => new NamespaceExists(p.Objects)),
        Off("LimitPodHardAntiAffinityTopology", _ => new LimitPodHardAntiAffinityTopology()),
        // Before anything that counts requests and limits.
        On("LimitRanger", p => new LimitRanger(p.Objects)),
        On("ServiceAccount", p => new ServiceAccounts(p.Objects, p.Time)),
        // Behind the service account: a mirror Pod must have been given none. On, since the Node authorizer always is.
        On("NodeRestriction", p => new NodeRestriction(p.Objects)),
        On("TaintNodesByCondition", _ => new TaintNodesByCondition()),
        Off("AlwaysPullImages", _ => new AlwaysPullImages()),
        Off("ImagePolicyWebhook", p => new ImagePolicyWebhook(p.Configuration.ImagePolicy, p.Time)),
        On("PodSecurity", p => new PodSecurityAdmission(p.Objects, p.Configuration.PodSecurity)),
        Off("PodNodeSelector", p => new NamespaceNodeSelectors(p.Objects, p.Configuration.NodeSelectors)),
        On("Priority", p => new Priority(p.Objects)),
        On("DefaultTolerationSeconds", _ => new DefaultTolerationSeconds()),
        // Behind those: what they added counts, too.
        Off("PodTolerationRestriction", p => new PodTolerationRestriction(p.Objects, p.Configuration.DefaultTolerations, p.Configuration.AllowedTolerations)),
        Off("EventRateLimit", p => new EventRateLimit(p.Configuration.EventLimits, p.Time)),
        Off("ExtendedResourceToleration", _ => new ExtendedResourceToleration()),
        On("DefaultStorageClass", p => new DefaultStorageClass(p.Objects)),
        On("StorageObjectInUseProtection", _ => new StorageObjectInUseProtection()),
        On("PersistentVolumeClaimResize", p => new PersistentVolumeClaimResize(p.Objects)),
        Off("OwnerReferencesPermissionEnforcement", p => new OwnerReferences(p.Versions, p.Authorizer)),
        // Adds tolerations and overhead: behind the defaults, before whatever counts.
        On("RuntimeClass", p => new RuntimeClasses(p.Objects)),
        On("CertificateApproval", p => new CertificateApproval(p.Authorizer)),
        On("CertificateSigning", p => new CertificateSigning(p.Authorizer)),
        On("ClusterTrustBundleAttest", p => new ClusterTrustBundleAttest(p.Authorizer)),
        On("CertificateSubjectRestriction", _ => new CertificateSubjectRestriction()),
        On("DefaultIngressClass", p => new DefaultIngressClass(p.Objects)),
        Off("DenyServiceExternalIPs", _ => new DenyServiceExternalIPs()),
        On("PodTopologyLabels", p => new PodTopologyLabels(p.Objects)),
        On("NodeDeclaredFeatureValidator", p => new NodeDeclaredFeatureValidator(p.Objects)),
        On("PodResizeValidator", p => new PodResize(p.Objects)),
        // Clients' own: behind all that this server changes, before whatever counts.
        On("MutatingAdmissionPolicy", p => new MutatingPolicies(p.Objects, p.Versions, p.Authorizer, p.Time)),
        On("MutatingAdmissionWebhook", p => new MutatingWebhooks(p.Objects, p.Versions, p.Authorizer, p.Mutating)),
        On("ValidatingAdmissionPolicy", p => new ValidatingPolicies(p.Objects, p.Versions, p.Authorizer)),
        On("ValidatingAdmissionWebhook", p => new ValidatingWebhooks(p.Objects, p.Versions, p.Authorizer, p.Validating)),
        // Behind everything that changes or refuses: what is charged is what is written.
        On("ResourceQuota", p => new ResourceQuotas(p.Objects, p.Time, p.Configuration.LimitedResources)),
        Off("AlwaysDeny", _ => new AlwaysDeny()),
    ];

    static readonly FrozenDictionary<Type, string> s_names = s_all.ToFrozenDictionary(e => e.Type, e => e.Name);

    public static FrozenSet<string> Names { get; } = s_all.Select(e => e.Name).ToFrozenSet();

    /// <summary>Upstream's name of a plugin; null when it is none of the catalog.</summary>
    public static string? NameOf(IAdmission plugin) => s_names.GetValueOrDefault(plugin.GetType());

    /// <summary>Those of upstream's default set, and which <paramref name="options"/> add or take away.</summary>
    /// <param name="authorizer">Whom expressions ask.</param>
    /// <param name="beforeStorage">Checks that upstream's storage makes: behind all that changes the object, before whatever only refuses.</param>
    public static ImmutableArray<IAdmission> Of(AdmissionOptions options, ServedObjects objects, IAuthorizer authorizer, TimeProvider time, params ReadOnlySpan<IAdmission> beforeStorage)
    {
        var parts = new Parts(objects, authorizer, options.Configuration, time);
        var made = ImmutableArray.CreateBuilder<IAdmission>();
        foreach (var entry in s_all)
            if ((entry.ByDefault || options.Enable.Contains(entry.Name)) && !options.Disable.Contains(entry.Name) && entry.Make(parts) is { } plugin) made.Add(plugin);
        made.AddRange(beforeStorage);
        return made.ToImmutable();
    }
}

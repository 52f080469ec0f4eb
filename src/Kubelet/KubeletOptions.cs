using System.Net;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Eviction;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet;

/// <summary>All settings of a node agent, with upstream's defaults and limits.</summary>
public sealed record KubeletOptions
{
    public required string NodeName { get; init; }
    public required PodFolders Folders { get; init; }

    /// <summary>Where Pods' cgroups go. A root of its own for each node of a machine: what is beneath it and unknown is removed.</summary>
    public string CgroupRoot { get; init; } = "/kubepods";
    /// <summary>The mount point of cgroup v1's hierarchies or of v2; empty makes no cgroups (runtimes without containers).</summary>
    public string CgroupMount { get; init; } = "/sys/fs/cgroup";
    /// <summary>Where the kernel tells of processes.</summary>
    public string ProcMount { get; init; } = "/proc";
    /// <summary>Where the runtime listens, so that what its process uses can be told; empty tells nothing of it.</summary>
    public string RuntimeEndpoint { get; init; } = "";
    /// <summary>The runtime puts containers into systemd scopes; cgroup parents are then slices, which systemd makes. A runtime that tells its driver is believed.</summary>
    public bool SystemdCgroups { get; init; }
    /// <summary>A machine with cgroup v1 is refused; upstream's default, of which this program keeps off: it runs where it is started.</summary>
    public bool FailCgroupV1 { get; init; }
    /// <summary>A machine that swaps is refused.</summary>
    public bool FailSwapOn { get; init; }
    /// <summary><c>NoSwap</c>, or <c>LimitedSwap</c>: Burstable containers may swap as much of the node's swap as they ask for of its memory (v2 only).</summary>
    public string SwapBehavior { get; init; } = "NoSwap";
    /// <summary>Whose limits are brought into force: <c>pods</c>, <c>system-reserved</c>, <c>kube-reserved</c>, the latter two also with <c>-compressible</c>.</summary>
    public Seq<string> EnforceNodeAllocatable { get; init; } = ["pods"];
    public string SystemReservedCgroup { get; init; } = "";
    public string KubeReservedCgroup { get; init; } = "";
    /// <summary>Where processes of the machine go that have no cgroup, so that what they use is told as <c>misc</c>; empty for nowhere.</summary>
    public string SystemCgroups { get; init; } = "";
    /// <summary>The feature gate MemoryQoS: on v2, containers are slowed down before they reach their memory limit.</summary>
    public bool MemoryQos { get; init; }
    /// <summary>From which part of the way between request and limit.</summary>
    public double MemoryThrottlingFactor { get; init; } = 0.9;
    /// <summary><c>None</c>, or <c>TieredReservation</c>: what Guaranteed Pods ask for is never taken away, what Burstable ones ask for is taken last.</summary>
    public string MemoryReservationPolicy { get; init; } = "None";
    /// <summary>The feature gate QOSReserved: lower classes may not have all the memory that higher ones ask for.</summary>
    public bool QosReserved { get; init; }
    /// <summary><c>qosReserved</c>: how much of it, in percent.</summary>
    public int QosReservedMemory { get; init; }
    internal bool KeepsMemory => MemoryQos && MemoryReservationPolicy == "TieredReservation";
    /// <summary>Gates as the configuration file has them, for <c>/configz</c>.</summary>
    public Map<bool> FeatureGates { get; init; }
    /// <summary>When memory runs out in a container, the kernel ends one of its processes rather than all; null does so on v1 only, where there is no other way.</summary>
    public bool? SingleProcessOomKill { get; init; }
    /// <summary>All processes of a container end together for want of memory; filled in from the machine.</summary>
    public bool OomKillsTogether { get; init; }
    /// <summary>In bytes; filled in from the machine.</summary>
    public Seq<long> HugePageSizes { get; init; }
    /// <summary>Bytes the machine can swap; filled in where cgroups can say how much of that a container may have (v2).</summary>
    public long? SwapBytes { get; init; }

    /// <summary>Given to the runtime until the Node's own <c>podCIDR</c> is known; may hold one per address family, by comma.</summary>
    public string PodCidr { get; init; } = "";
    public Seq<string> ClusterDns { get; init; }
    public string ClusterDomain { get; init; } = "cluster.local";
    /// <summary>The host's resolver settings, for <c>dnsPolicy: Default</c>.</summary>
    public string ResolvConf { get; init; } = "/etc/resolv.conf";
    public int MaxPods { get; init; } = 110;

    /// <summary>The node's addresses, IPv4 or IPv6 first as the cluster is; empty finds one by the default route.</summary>
    public Seq<string> NodeIPs { get; init; }
    public string Hostname { get; init; } = "";
    /// <summary>Where the kubelet's API listens.</summary>
    public IPAddress Address { get; init; } = IPAddress.Any;
    /// <summary>0 takes a free one.</summary>
    public int Port { get; init; } = 10250;
    /// <summary>Where anybody is told that the kubelet is there, by <c>/healthz</c> over plain HTTP; 0 for nowhere, else upstream's is 10248.</summary>
    public int HealthzPort { get; init; }
    public IPAddress HealthzAddress { get; init; } = IPAddress.Loopback;
    /// <summary>Where anybody may read Pods and figures, over plain HTTP and without a word on who he is; 0 for nowhere.</summary>
    public int ReadOnlyPort { get; init; }
    /// <summary>Without one, and without <see cref="CurrentServingCertificate"/>, the API is not served.</summary>
    public X509Certificate2? ServingCertificate { get; init; }
    /// <summary>Files of a certificate that somebody else renews, for whoever reads them; empty for none.</summary>
    public string TlsCertificateFile { get; init; } = "";
    public string TlsKeyFile { get; init; } = "";
    /// <summary>Client certificates must come from here; who has none is refused.</summary>
    public X509Certificate2Collection ClientCAs { get; init; } = [];

    /// <summary>The same two where they rotate while the kubelet runs; asked for each connection. Null as long as the certificate was not signed: then nobody is served.</summary>
    public Func<X509Certificate2?>? CurrentServingCertificate { get; init; }
    public Func<X509Certificate2Collection>? CurrentClientCAs { get; init; }
    /// <summary>By which the API server is asked, where it rotates; for figures.</summary>
    public Func<X509Certificate2?>? ClientCertificate { get; init; }

    /// <summary>Labels of the Node when it is made; over those that say what the machine is.</summary>
    public Map<string> NodeLabels { get; init; }
    /// <summary>Somebody else (<c>--cloud-provider=external</c>) says which addresses the node has, and takes the taint away that keeps Pods off until then.</summary>
    public bool ExternalCloud { get; init; }
    /// <summary>The Node is made cordoned.</summary>
    public bool Unschedulable { get; init; }
    public Seq<Taint> RegisterWithTaints { get; init; }
    public bool RegisterNode { get; init; } = true;
    public string ProviderId { get; init; } = "";
    public Map<Quantity> SystemReserved { get; init; }
    public Map<Quantity> KubeReserved { get; init; }
    /// <summary>CPUs kept for the system, as a list; in place of an amount in the two reservations.</summary>
    public string ReservedSystemCpus { get; init; } = "";
    /// <summary>Whether containers of Guaranteed Pods get CPUs for themselves: <c>none</c> or <c>static</c>.</summary>
    public string CpuManagerPolicy { get; init; } = "none";
    public Map<string> CpuManagerPolicyOptions { get; init; }
    public TimeSpan CpuManagerReconcilePeriod { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>Whether memory of Guaranteed Pods lies on certain NUMA nodes: <c>None</c> or <c>Static</c>.</summary>
    public string MemoryManagerPolicy { get; init; } = "None";
    /// <summary>What of the reservations lies on which NUMA node.</summary>
    public Seq<(int Node, Map<Quantity> Limits)> ReservedMemory { get; init; }
    /// <summary>How near to each other a container's things must be: <c>none</c>, <c>best-effort</c>, <c>restricted</c>, <c>single-numa-node</c>.</summary>
    public string TopologyManagerPolicy { get; init; } = "none";
    /// <summary><c>container</c> or <c>pod</c>.</summary>
    public string TopologyManagerScope { get; init; } = "container";
    public Map<string> TopologyManagerPolicyOptions { get; init; }
    /// <summary>When Pods have to go for want of memory, disk or process ids; hard memory and disk thresholds are held back from what is allocatable.</summary>
    public Seq<Threshold> Eviction { get; init; } = Threshold.Defaults;
    /// <summary>How long a pressure is told of after it has gone.</summary>
    public TimeSpan PressureTransition { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan EvictionPeriod { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>Most grace of Pods that are evicted by a soft threshold.</summary>
    public TimeSpan EvictionMaxGrace { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A folder of Pods that run whether or not there is an API; empty for none.</summary>
    public string StaticPodPath { get; init; } = "";
    public TimeSpan StaticPodPeriod { get; init; } = TimeSpan.FromSeconds(20);

    public TimeSpan ImageMinimumAge { get; init; } = TimeSpan.FromMinutes(2);
    /// <summary>Unused images go after this long, however much room there is; zero keeps them.</summary>
    public TimeSpan ImageMaximumAge { get; init; }
    public int ImageHighPercent { get; init; } = 85;
    public int ImageLowPercent { get; init; } = 80;
    public TimeSpan ImagePeriod { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>For all Pods together when the node shuts down; the last part of it is the critical Pods'.</summary>
    public TimeSpan ShutdownGrace { get; init; }
    public TimeSpan ShutdownGraceCritical { get; init; }
    /// <summary>The same for each of several priorities, in place of the two: a Pod has the time of the highest priority that it reaches.</summary>
    public Seq<(int Priority, TimeSpan Grace)> ShutdownGraceByPriority { get; init; }
    /// <summary>Where logind is asked not to shut the machine down before the Pods have ended; empty for nobody.</summary>
    public string SystemBus { get; init; } = "/run/dbus/system_bus_socket";
    /// <summary>Where logind is told to wait for as long as that.</summary>
    public string LogindFolder { get; init; } = "/etc/systemd/logind.conf.d";

    /// <summary>How old a measure of a volume may be; upstream's <c>volumeStatsAggPeriod</c>.</summary>
    public TimeSpan VolumeStatsPeriod { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The node's own programs for storage elsewhere.</summary>
    public Volumes.Remote.ProgramOptions Helpers { get; init; } = new();

    /// <summary>How often <see cref="Stats.ResourceUsage"/> is measured.</summary>
    public TimeSpan UsagePeriod { get; init; } = TimeSpan.FromSeconds(15);

    public TimeSpan StatusUpdatePeriod { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>An unchanged status is told again after this long.</summary>
    public TimeSpan StatusReportPeriod { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(40);
    public TimeSpan RelistPeriod { get; init; } = TimeSpan.FromSeconds(1);
    /// <summary>Between looks at a Pod in which nothing changed; volumes are refreshed then.</summary>
    public TimeSpan SyncPeriod { get; init; } = TimeSpan.FromMinutes(1);
    /// <summary>Changes of ConfigMaps and Secrets reach volumes at once (<c>configMapAndSecretChangeDetectionStrategy: Watch</c>); otherwise with the next look at the Pod.</summary>
    public bool WatchesObjects { get; init; } = true;
    public TimeSpan CleanupPeriod { get; init; } = TimeSpan.FromSeconds(2);
    public TimeSpan RestartBackoff { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan RestartBackoffMax { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan PullBackoff { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan PullBackoffMax { get; init; } = TimeSpan.FromMinutes(5);
    public int MaxParallelPulls { get; init; } = 4;
    /// <summary>How many user ids a Pod with users of its own has: a multiple of 65536.</summary>
    public long IdsPerPod { get; init; } = 65536;
    /// <summary>CPU limits become CFS quotas.</summary>
    public bool CpuCfsQuota { get; init; } = true;
    public TimeSpan CpuCfsQuotaPeriod { get; init; } = TimeSpan.FromMilliseconds(100);
    /// <summary>Most processes of one Pod; 0 sets no bound.</summary>
    public long PodPidsLimit { get; init; }
    /// <summary>Containers without a profile of their own get the runtime's instead of none.</summary>
    public bool SeccompDefault { get; init; }
    /// <summary>Beyond the safe ones; <c>net.*</c> patterns as upstream.</summary>
    public Seq<string> AllowedUnsafeSysctls { get; init; }
    public long LogMaxBytes { get; init; } = 10 << 20;
    public int LogMaxFiles { get; init; } = 5;
    public TimeSpan LogRotationPeriod { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>Where CDI files are looked for, a later folder before an earlier one, when the runtime does not look itself; as runtimes do.</summary>
    public Seq<string> CdiFolders { get; init; } = ["/etc/cdi", "/var/run/cdi"];
    public bool EnableDebuggingHandlers { get; init; } = true;
    /// <summary>Whether <c>/logs</c> shows the files beneath <see cref="SystemLogFolder"/>; with the second, also what services of the machine said.</summary>
    public bool EnableSystemLogHandler { get; init; } = true;
    public bool EnableSystemLogQuery { get; init; }
    public string SystemLogFolder { get; init; } = "/var/log";
    /// <summary>When a Pod has to show that it may have an image that is there: <c>NeverVerify</c>, <c>NeverVerifyPreloadedImages</c>, <c>NeverVerifyAllowlistedImages</c>, <c>AlwaysVerify</c>.</summary>
    public string ImageVerification { get; init; } = "NeverVerifyPreloadedImages";
    public Seq<string> ImageAllowlist { get; init; }
    /// <summary>A <c>CredentialProviderConfig</c>, or a folder of them, and where its programs are; empty for none.</summary>
    public string CredentialProviderConfig { get; init; } = "";
    public string CredentialProviderFolder { get; init; } = "";

    /// <summary>With the reserved CPUs as an amount of the system's, too, so that nobody else counts on them.</summary>
    public KubeletOptions WithReservedCpus() => ReservedSystemCpus.Length == 0 ? this
        : this with { KubeReserved = KubeReserved.Remove("cpu"), SystemReserved = SystemReserved.Set("cpu", new(Placement.CpuSet.Parse(ReservedSystemCpus).Count)) };
}

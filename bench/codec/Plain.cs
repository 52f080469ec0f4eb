using System.Text.Json;

namespace Hanbae.Bench.Codec.Plain;

// Pod and all it holds as one writes it by hand for System.Text.Json: every declared field, settable properties, lists and dictionaries,
// quantities as plain text (which spares it their parsing).

public sealed class Pod
{
    public string? Kind { get; set; }
    public string? ApiVersion { get; set; }
    public ObjectMeta? Metadata { get; set; }
    public PodSpec? Spec { get; set; }
    public PodStatus? Status { get; set; }
}

public sealed class ObjectMeta
{
    public string? Name { get; set; }
    public string? GenerateName { get; set; }
    public string? Namespace { get; set; }
    public string? SelfLink { get; set; }
    public string? Uid { get; set; }
    public string? ResourceVersion { get; set; }
    public long Generation { get; set; }
    public DateTimeOffset? CreationTimestamp { get; set; }
    public DateTimeOffset? DeletionTimestamp { get; set; }
    public long? DeletionGracePeriodSeconds { get; set; }
    public Dictionary<string, string>? Labels { get; set; }
    public Dictionary<string, string>? Annotations { get; set; }
    public List<OwnerReference>? OwnerReferences { get; set; }
    public List<string>? Finalizers { get; set; }
    public List<ManagedFieldsEntry>? ManagedFields { get; set; }
}

public sealed class PodSpec
{
    public List<Volume>? Volumes { get; set; }
    public List<Container>? InitContainers { get; set; }
    public List<Container>? Containers { get; set; }
    public List<EphemeralContainer>? EphemeralContainers { get; set; }
    public string? RestartPolicy { get; set; }
    public long? TerminationGracePeriodSeconds { get; set; }
    public long? ActiveDeadlineSeconds { get; set; }
    public string? DnsPolicy { get; set; }
    public Dictionary<string, string>? NodeSelector { get; set; }
    public string? ServiceAccountName { get; set; }
    public string? ServiceAccount { get; set; }
    public bool? AutomountServiceAccountToken { get; set; }
    public string? NodeName { get; set; }
    public bool HostNetwork { get; set; }
    public bool HostPID { get; set; }
    public bool HostIPC { get; set; }
    public bool? ShareProcessNamespace { get; set; }
    public PodSecurityContext? SecurityContext { get; set; }
    public List<LocalObjectReference>? ImagePullSecrets { get; set; }
    public string? Hostname { get; set; }
    public string? Subdomain { get; set; }
    public Affinity? Affinity { get; set; }
    public string? SchedulerName { get; set; }
    public List<Toleration>? Tolerations { get; set; }
    public List<HostAlias>? HostAliases { get; set; }
    public string? PriorityClassName { get; set; }
    public int? Priority { get; set; }
    public PodDNSConfig? DnsConfig { get; set; }
    public List<PodReadinessGate>? ReadinessGates { get; set; }
    public string? RuntimeClassName { get; set; }
    public bool? EnableServiceLinks { get; set; }
    public string? PreemptionPolicy { get; set; }
    public Dictionary<string, string>? Overhead { get; set; }
    public List<TopologySpreadConstraint>? TopologySpreadConstraints { get; set; }
    public bool? SetHostnameAsFQDN { get; set; }
    public PodOS? Os { get; set; }
    public bool? HostUsers { get; set; }
    public List<PodSchedulingGate>? SchedulingGates { get; set; }
    public List<PodResourceClaim>? ResourceClaims { get; set; }
    public ResourceRequirements? Resources { get; set; }
    public string? HostnameOverride { get; set; }
    public PodSchedulingGroup? SchedulingGroup { get; set; }
}

public sealed class PodStatus
{
    public long ObservedGeneration { get; set; }
    public string? Phase { get; set; }
    public List<PodCondition>? Conditions { get; set; }
    public string? Message { get; set; }
    public string? Reason { get; set; }
    public string? NominatedNodeName { get; set; }
    public string? HostIP { get; set; }
    public List<HostIP>? HostIPs { get; set; }
    public string? PodIP { get; set; }
    public List<PodIP>? PodIPs { get; set; }
    public DateTimeOffset? StartTime { get; set; }
    public List<ContainerStatus>? InitContainerStatuses { get; set; }
    public List<ContainerStatus>? ContainerStatuses { get; set; }
    public string? QosClass { get; set; }
    public List<ContainerStatus>? EphemeralContainerStatuses { get; set; }
    public string? Resize { get; set; }
    public List<PodResourceClaimStatus>? ResourceClaimStatuses { get; set; }
    public PodExtendedResourceClaimStatus? ExtendedResourceClaimStatus { get; set; }
    public Dictionary<string, string>? AllocatedResources { get; set; }
    public ResourceRequirements? Resources { get; set; }
    public List<NodeAllocatableResourceClaimStatus>? NodeAllocatableResourceClaimStatuses { get; set; }
}

public sealed class OwnerReference
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public string? Name { get; set; }
    public string? Uid { get; set; }
    public bool? Controller { get; set; }
    public bool? BlockOwnerDeletion { get; set; }
}

public sealed class ManagedFieldsEntry
{
    public string? Manager { get; set; }
    public string? Operation { get; set; }
    public string? ApiVersion { get; set; }
    public DateTimeOffset? Time { get; set; }
    public string? FieldsType { get; set; }
    public JsonElement? FieldsV1 { get; set; }
    public string? Subresource { get; set; }
}

public sealed class Volume
{
    public string? Name { get; set; }
    public HostPathVolumeSource? HostPath { get; set; }
    public EmptyDirVolumeSource? EmptyDir { get; set; }
    public GCEPersistentDiskVolumeSource? GcePersistentDisk { get; set; }
    public AWSElasticBlockStoreVolumeSource? AwsElasticBlockStore { get; set; }
    public GitRepoVolumeSource? GitRepo { get; set; }
    public SecretVolumeSource? Secret { get; set; }
    public NFSVolumeSource? Nfs { get; set; }
    public ISCSIVolumeSource? Iscsi { get; set; }
    public GlusterfsVolumeSource? Glusterfs { get; set; }
    public PersistentVolumeClaimVolumeSource? PersistentVolumeClaim { get; set; }
    public RBDVolumeSource? Rbd { get; set; }
    public FlexVolumeSource? FlexVolume { get; set; }
    public CinderVolumeSource? Cinder { get; set; }
    public CephFSVolumeSource? Cephfs { get; set; }
    public FlockerVolumeSource? Flocker { get; set; }
    public DownwardAPIVolumeSource? DownwardAPI { get; set; }
    public FCVolumeSource? Fc { get; set; }
    public AzureFileVolumeSource? AzureFile { get; set; }
    public ConfigMapVolumeSource? ConfigMap { get; set; }
    public VsphereVirtualDiskVolumeSource? VsphereVolume { get; set; }
    public QuobyteVolumeSource? Quobyte { get; set; }
    public AzureDiskVolumeSource? AzureDisk { get; set; }
    public PhotonPersistentDiskVolumeSource? PhotonPersistentDisk { get; set; }
    public ProjectedVolumeSource? Projected { get; set; }
    public PortworxVolumeSource? PortworxVolume { get; set; }
    public ScaleIOVolumeSource? ScaleIO { get; set; }
    public StorageOSVolumeSource? Storageos { get; set; }
    public CSIVolumeSource? Csi { get; set; }
    public EphemeralVolumeSource? Ephemeral { get; set; }
    public ImageVolumeSource? Image { get; set; }
}

public sealed class Container
{
    public string? Name { get; set; }
    public string? Image { get; set; }
    public List<string>? Command { get; set; }
    public List<string>? Args { get; set; }
    public string? WorkingDir { get; set; }
    public List<ContainerPortEntry>? Ports { get; set; }
    public List<EnvFromSource>? EnvFrom { get; set; }
    public List<EnvVar>? Env { get; set; }
    public ResourceRequirements? Resources { get; set; }
    public List<ContainerResizePolicy>? ResizePolicy { get; set; }
    public string? RestartPolicy { get; set; }
    public List<ContainerRestartRule>? RestartPolicyRules { get; set; }
    public List<VolumeMount>? VolumeMounts { get; set; }
    public List<VolumeDevice>? VolumeDevices { get; set; }
    public Probe? LivenessProbe { get; set; }
    public Probe? ReadinessProbe { get; set; }
    public Probe? StartupProbe { get; set; }
    public Lifecycle? Lifecycle { get; set; }
    public string? TerminationMessagePath { get; set; }
    public string? TerminationMessagePolicy { get; set; }
    public string? ImagePullPolicy { get; set; }
    public SecurityContext? SecurityContext { get; set; }
    public bool Stdin { get; set; }
    public bool StdinOnce { get; set; }
    public bool Tty { get; set; }
}

public sealed class EphemeralContainer
{
    public string? Name { get; set; }
    public string? Image { get; set; }
    public List<string>? Command { get; set; }
    public List<string>? Args { get; set; }
    public string? WorkingDir { get; set; }
    public List<ContainerPortEntry>? Ports { get; set; }
    public List<EnvFromSource>? EnvFrom { get; set; }
    public List<EnvVar>? Env { get; set; }
    public ResourceRequirements? Resources { get; set; }
    public List<ContainerResizePolicy>? ResizePolicy { get; set; }
    public string? RestartPolicy { get; set; }
    public List<ContainerRestartRule>? RestartPolicyRules { get; set; }
    public List<VolumeMount>? VolumeMounts { get; set; }
    public List<VolumeDevice>? VolumeDevices { get; set; }
    public Probe? LivenessProbe { get; set; }
    public Probe? ReadinessProbe { get; set; }
    public Probe? StartupProbe { get; set; }
    public Lifecycle? Lifecycle { get; set; }
    public string? TerminationMessagePath { get; set; }
    public string? TerminationMessagePolicy { get; set; }
    public string? ImagePullPolicy { get; set; }
    public SecurityContext? SecurityContext { get; set; }
    public bool Stdin { get; set; }
    public bool StdinOnce { get; set; }
    public bool Tty { get; set; }
    public string? TargetContainerName { get; set; }
}

public sealed class PodSecurityContext
{
    public SELinuxOptions? SeLinuxOptions { get; set; }
    public WindowsSecurityContextOptions? WindowsOptions { get; set; }
    public long? RunAsUser { get; set; }
    public long? RunAsGroup { get; set; }
    public bool? RunAsNonRoot { get; set; }
    public List<long>? SupplementalGroups { get; set; }
    public string? SupplementalGroupsPolicy { get; set; }
    public long? FsGroup { get; set; }
    public List<Sysctl>? Sysctls { get; set; }
    public string? FsGroupChangePolicy { get; set; }
    public SeccompProfile? SeccompProfile { get; set; }
    public AppArmorProfile? AppArmorProfile { get; set; }
    public string? SeLinuxChangePolicy { get; set; }
}

public sealed class LocalObjectReference
{
    public string? Name { get; set; }
}

public sealed class Affinity
{
    public NodeAffinity? NodeAffinity { get; set; }
    public PodAffinity? PodAffinity { get; set; }
    public PodAntiAffinity? PodAntiAffinity { get; set; }
}

public sealed class Toleration
{
    public string? Key { get; set; }
    public string? Operator { get; set; }
    public string? Value { get; set; }
    public string? Effect { get; set; }
    public long? TolerationSeconds { get; set; }
}

public sealed class HostAlias
{
    public string? Ip { get; set; }
    public List<string>? Hostnames { get; set; }
}

public sealed class PodDNSConfig
{
    public List<string>? Nameservers { get; set; }
    public List<string>? Searches { get; set; }
    public List<PodDNSConfigOption>? Options { get; set; }
}

public sealed class PodReadinessGate
{
    public string? ConditionType { get; set; }
}

public sealed class TopologySpreadConstraint
{
    public int MaxSkew { get; set; }
    public string? TopologyKey { get; set; }
    public string? WhenUnsatisfiable { get; set; }
    public LabelSelector? LabelSelector { get; set; }
    public int? MinDomains { get; set; }
    public string? NodeAffinityPolicy { get; set; }
    public string? NodeTaintsPolicy { get; set; }
    public List<string>? MatchLabelKeys { get; set; }
}

public sealed class PodOS
{
    public string? Name { get; set; }
}

public sealed class PodSchedulingGate
{
    public string? Name { get; set; }
}

public sealed class PodResourceClaim
{
    public string? Name { get; set; }
    public string? ResourceClaimName { get; set; }
    public string? ResourceClaimTemplateName { get; set; }
}

public sealed class ResourceRequirements
{
    public Dictionary<string, string>? Limits { get; set; }
    public Dictionary<string, string>? Requests { get; set; }
    public List<ResourceClaim>? Claims { get; set; }
}

public sealed class PodSchedulingGroup
{
    public string? PodGroupName { get; set; }
}

public sealed class PodCondition
{
    public string? Type { get; set; }
    public long ObservedGeneration { get; set; }
    public string? Status { get; set; }
    public DateTimeOffset? LastProbeTime { get; set; }
    public DateTimeOffset? LastTransitionTime { get; set; }
    public string? Reason { get; set; }
    public string? Message { get; set; }
}

public sealed class HostIP
{
    public string? Ip { get; set; }
}

public sealed class PodIP
{
    public string? Ip { get; set; }
}

public sealed class ContainerStatus
{
    public string? Name { get; set; }
    public ContainerState? State { get; set; }
    public ContainerState? LastState { get; set; }
    public bool Ready { get; set; }
    public int RestartCount { get; set; }
    public string? Image { get; set; }
    public string? ImageID { get; set; }
    public string? ContainerID { get; set; }
    public bool? Started { get; set; }
    public Dictionary<string, string>? AllocatedResources { get; set; }
    public ResourceRequirements? Resources { get; set; }
    public List<VolumeMountStatus>? VolumeMounts { get; set; }
    public ContainerUser? User { get; set; }
    public List<ResourceStatus>? AllocatedResourcesStatus { get; set; }
    public string? StopSignal { get; set; }
}

public sealed class PodResourceClaimStatus
{
    public string? Name { get; set; }
    public string? ResourceClaimName { get; set; }
}

public sealed class PodExtendedResourceClaimStatus
{
    public List<ContainerExtendedResourceRequest>? RequestMappings { get; set; }
    public string? ResourceClaimName { get; set; }
}

public sealed class NodeAllocatableResourceClaimStatus
{
    public string? ResourceClaimName { get; set; }
    public List<string>? Containers { get; set; }
    public Dictionary<string, string>? Resources { get; set; }
}

public sealed class HostPathVolumeSource
{
    public string? Path { get; set; }
    public string? Type { get; set; }
}

public sealed class EmptyDirVolumeSource
{
    public string? Medium { get; set; }
    public string? SizeLimit { get; set; }
}

public sealed class GCEPersistentDiskVolumeSource
{
    public string? PdName { get; set; }
    public string? FsType { get; set; }
    public int Partition { get; set; }
    public bool ReadOnly { get; set; }
}

public sealed class AWSElasticBlockStoreVolumeSource
{
    public string? VolumeID { get; set; }
    public string? FsType { get; set; }
    public int Partition { get; set; }
    public bool ReadOnly { get; set; }
}

public sealed class GitRepoVolumeSource
{
    public string? Repository { get; set; }
    public string? Revision { get; set; }
    public string? Directory { get; set; }
}

public sealed class SecretVolumeSource
{
    public string? SecretName { get; set; }
    public List<KeyToPath>? Items { get; set; }
    public int? DefaultMode { get; set; }
    public bool? Optional { get; set; }
}

public sealed class NFSVolumeSource
{
    public string? Server { get; set; }
    public string? Path { get; set; }
    public bool ReadOnly { get; set; }
}

public sealed class ISCSIVolumeSource
{
    public string? TargetPortal { get; set; }
    public string? Iqn { get; set; }
    public int Lun { get; set; }
    public string? IscsiInterface { get; set; }
    public string? FsType { get; set; }
    public bool ReadOnly { get; set; }
    public List<string>? Portals { get; set; }
    public bool ChapAuthDiscovery { get; set; }
    public bool ChapAuthSession { get; set; }
    public LocalObjectReference? SecretRef { get; set; }
    public string? InitiatorName { get; set; }
}

public sealed class GlusterfsVolumeSource
{
    public string? Endpoints { get; set; }
    public string? Path { get; set; }
    public bool ReadOnly { get; set; }
}

public sealed class PersistentVolumeClaimVolumeSource
{
    public string? ClaimName { get; set; }
    public bool ReadOnly { get; set; }
}

public sealed class RBDVolumeSource
{
    public List<string>? Monitors { get; set; }
    public string? Image { get; set; }
    public string? FsType { get; set; }
    public string? Pool { get; set; }
    public string? User { get; set; }
    public string? Keyring { get; set; }
    public LocalObjectReference? SecretRef { get; set; }
    public bool ReadOnly { get; set; }
}

public sealed class FlexVolumeSource
{
    public string? Driver { get; set; }
    public string? FsType { get; set; }
    public LocalObjectReference? SecretRef { get; set; }
    public bool ReadOnly { get; set; }
    public Dictionary<string, string>? Options { get; set; }
}

public sealed class CinderVolumeSource
{
    public string? VolumeID { get; set; }
    public string? FsType { get; set; }
    public bool ReadOnly { get; set; }
    public LocalObjectReference? SecretRef { get; set; }
}

public sealed class CephFSVolumeSource
{
    public List<string>? Monitors { get; set; }
    public string? Path { get; set; }
    public string? User { get; set; }
    public string? SecretFile { get; set; }
    public LocalObjectReference? SecretRef { get; set; }
    public bool ReadOnly { get; set; }
}

public sealed class FlockerVolumeSource
{
    public string? DatasetName { get; set; }
    public string? DatasetUUID { get; set; }
}

public sealed class DownwardAPIVolumeSource
{
    public List<DownwardAPIVolumeFile>? Items { get; set; }
    public int? DefaultMode { get; set; }
}

public sealed class FCVolumeSource
{
    public List<string>? TargetWWNs { get; set; }
    public int? Lun { get; set; }
    public string? FsType { get; set; }
    public bool ReadOnly { get; set; }
    public List<string>? Wwids { get; set; }
}

public sealed class AzureFileVolumeSource
{
    public string? SecretName { get; set; }
    public string? ShareName { get; set; }
    public bool ReadOnly { get; set; }
}

public sealed class ConfigMapVolumeSource
{
    public string? Name { get; set; }
    public List<KeyToPath>? Items { get; set; }
    public int? DefaultMode { get; set; }
    public bool? Optional { get; set; }
}

public sealed class VsphereVirtualDiskVolumeSource
{
    public string? VolumePath { get; set; }
    public string? FsType { get; set; }
    public string? StoragePolicyName { get; set; }
    public string? StoragePolicyID { get; set; }
}

public sealed class QuobyteVolumeSource
{
    public string? Registry { get; set; }
    public string? Volume { get; set; }
    public bool ReadOnly { get; set; }
    public string? User { get; set; }
    public string? Group { get; set; }
    public string? Tenant { get; set; }
}

public sealed class AzureDiskVolumeSource
{
    public string? DiskName { get; set; }
    public string? DiskURI { get; set; }
    public string? CachingMode { get; set; }
    public string? FsType { get; set; }
    public bool? ReadOnly { get; set; }
    public string? Kind { get; set; }
}

public sealed class PhotonPersistentDiskVolumeSource
{
    public string? PdID { get; set; }
    public string? FsType { get; set; }
}

public sealed class ProjectedVolumeSource
{
    public List<VolumeProjection>? Sources { get; set; }
    public int? DefaultMode { get; set; }
}

public sealed class PortworxVolumeSource
{
    public string? VolumeID { get; set; }
    public string? FsType { get; set; }
    public bool ReadOnly { get; set; }
}

public sealed class ScaleIOVolumeSource
{
    public string? Gateway { get; set; }
    public string? System { get; set; }
    public LocalObjectReference? SecretRef { get; set; }
    public bool SslEnabled { get; set; }
    public string? ProtectionDomain { get; set; }
    public string? StoragePool { get; set; }
    public string? StorageMode { get; set; }
    public string? VolumeName { get; set; }
    public string? FsType { get; set; }
    public bool ReadOnly { get; set; }
}

public sealed class StorageOSVolumeSource
{
    public string? VolumeName { get; set; }
    public string? VolumeNamespace { get; set; }
    public string? FsType { get; set; }
    public bool ReadOnly { get; set; }
    public LocalObjectReference? SecretRef { get; set; }
}

public sealed class CSIVolumeSource
{
    public string? Driver { get; set; }
    public bool? ReadOnly { get; set; }
    public string? FsType { get; set; }
    public Dictionary<string, string>? VolumeAttributes { get; set; }
    public LocalObjectReference? NodePublishSecretRef { get; set; }
}

public sealed class EphemeralVolumeSource
{
    public PersistentVolumeClaimTemplate? VolumeClaimTemplate { get; set; }
}

public sealed class ImageVolumeSource
{
    public string? Reference { get; set; }
    public string? PullPolicy { get; set; }
}

public sealed class ContainerPortEntry
{
    public string? Name { get; set; }
    public int HostPort { get; set; }
    public int ContainerPort { get; set; }
    public string? Protocol { get; set; }
    public string? HostIP { get; set; }
}

public sealed class EnvFromSource
{
    public string? Prefix { get; set; }
    public ConfigMapEnvSource? ConfigMapRef { get; set; }
    public SecretEnvSource? SecretRef { get; set; }
}

public sealed class EnvVar
{
    public string? Name { get; set; }
    public string? Value { get; set; }
    public EnvVarSource? ValueFrom { get; set; }
}

public sealed class ContainerResizePolicy
{
    public string? ResourceName { get; set; }
    public string? RestartPolicy { get; set; }
}

public sealed class ContainerRestartRule
{
    public string? Action { get; set; }
    public ContainerRestartRuleOnExitCodes? ExitCodes { get; set; }
}

public sealed class VolumeMount
{
    public string? Name { get; set; }
    public bool ReadOnly { get; set; }
    public string? RecursiveReadOnly { get; set; }
    public string? MountPath { get; set; }
    public string? SubPath { get; set; }
    public string? MountPropagation { get; set; }
    public string? SubPathExpr { get; set; }
}

public sealed class VolumeDevice
{
    public string? Name { get; set; }
    public string? DevicePath { get; set; }
}

public sealed class Probe
{
    public ExecAction? Exec { get; set; }
    public HTTPGetAction? HttpGet { get; set; }
    public TCPSocketAction? TcpSocket { get; set; }
    public GRPCAction? Grpc { get; set; }
    public int InitialDelaySeconds { get; set; }
    public int TimeoutSeconds { get; set; }
    public int PeriodSeconds { get; set; }
    public int SuccessThreshold { get; set; }
    public int FailureThreshold { get; set; }
    public long? TerminationGracePeriodSeconds { get; set; }
}

public sealed class Lifecycle
{
    public LifecycleHandler? PostStart { get; set; }
    public LifecycleHandler? PreStop { get; set; }
    public string? StopSignal { get; set; }
}

public sealed class SecurityContext
{
    public Capabilities? Capabilities { get; set; }
    public bool? Privileged { get; set; }
    public SELinuxOptions? SeLinuxOptions { get; set; }
    public WindowsSecurityContextOptions? WindowsOptions { get; set; }
    public long? RunAsUser { get; set; }
    public long? RunAsGroup { get; set; }
    public bool? RunAsNonRoot { get; set; }
    public bool? ReadOnlyRootFilesystem { get; set; }
    public bool? AllowPrivilegeEscalation { get; set; }
    public string? ProcMount { get; set; }
    public SeccompProfile? SeccompProfile { get; set; }
    public AppArmorProfile? AppArmorProfile { get; set; }
}

public sealed class SELinuxOptions
{
    public string? User { get; set; }
    public string? Role { get; set; }
    public string? Type { get; set; }
    public string? Level { get; set; }
}

public sealed class WindowsSecurityContextOptions
{
    public string? GmsaCredentialSpecName { get; set; }
    public string? GmsaCredentialSpec { get; set; }
    public string? RunAsUserName { get; set; }
    public bool? HostProcess { get; set; }
}

public sealed class Sysctl
{
    public string? Name { get; set; }
    public string? Value { get; set; }
}

public sealed class SeccompProfile
{
    public string? Type { get; set; }
    public string? LocalhostProfile { get; set; }
}

public sealed class AppArmorProfile
{
    public string? Type { get; set; }
    public string? LocalhostProfile { get; set; }
}

public sealed class NodeAffinity
{
    public NodeSelector? RequiredDuringSchedulingIgnoredDuringExecution { get; set; }
    public List<PreferredSchedulingTerm>? PreferredDuringSchedulingIgnoredDuringExecution { get; set; }
}

public sealed class PodAffinity
{
    public List<PodAffinityTerm>? RequiredDuringSchedulingIgnoredDuringExecution { get; set; }
    public List<WeightedPodAffinityTerm>? PreferredDuringSchedulingIgnoredDuringExecution { get; set; }
}

public sealed class PodAntiAffinity
{
    public List<PodAffinityTerm>? RequiredDuringSchedulingIgnoredDuringExecution { get; set; }
    public List<WeightedPodAffinityTerm>? PreferredDuringSchedulingIgnoredDuringExecution { get; set; }
}

public sealed class PodDNSConfigOption
{
    public string? Name { get; set; }
    public string? Value { get; set; }
}

public sealed class LabelSelector
{
    public Dictionary<string, string>? MatchLabels { get; set; }
    public List<LabelSelectorRequirement>? MatchExpressions { get; set; }
}

public sealed class ResourceClaim
{
    public string? Name { get; set; }
    public string? Request { get; set; }
}

public sealed class ContainerState
{
    public ContainerStateWaiting? Waiting { get; set; }
    public ContainerStateRunning? Running { get; set; }
    public ContainerStateTerminated? Terminated { get; set; }
}

public sealed class VolumeMountStatus
{
    public string? Name { get; set; }
    public string? MountPath { get; set; }
    public bool ReadOnly { get; set; }
    public string? RecursiveReadOnly { get; set; }
    public VolumeStatus? VolumeStatus { get; set; }
}

public sealed class ContainerUser
{
    public LinuxContainerUser? Linux { get; set; }
}

public sealed class ResourceStatus
{
    public string? Name { get; set; }
    public List<ResourceHealth>? Resources { get; set; }
}

public sealed class ContainerExtendedResourceRequest
{
    public string? ContainerName { get; set; }
    public string? ResourceName { get; set; }
    public string? RequestName { get; set; }
}

public sealed class KeyToPath
{
    public string? Key { get; set; }
    public string? Path { get; set; }
    public int? Mode { get; set; }
}

public sealed class DownwardAPIVolumeFile
{
    public string? Path { get; set; }
    public ObjectFieldSelector? FieldRef { get; set; }
    public ResourceFieldSelector? ResourceFieldRef { get; set; }
    public int? Mode { get; set; }
}

public sealed class VolumeProjection
{
    public SecretProjection? Secret { get; set; }
    public DownwardAPIProjection? DownwardAPI { get; set; }
    public ConfigMapProjection? ConfigMap { get; set; }
    public ServiceAccountTokenProjection? ServiceAccountToken { get; set; }
    public ClusterTrustBundleProjection? ClusterTrustBundle { get; set; }
    public PodCertificateProjection? PodCertificate { get; set; }
}

public sealed class PersistentVolumeClaimTemplate
{
    public ObjectMeta? Metadata { get; set; }
    public PersistentVolumeClaimSpec? Spec { get; set; }
}

public sealed class ConfigMapEnvSource
{
    public string? Name { get; set; }
    public bool? Optional { get; set; }
}

public sealed class SecretEnvSource
{
    public string? Name { get; set; }
    public bool? Optional { get; set; }
}

public sealed class EnvVarSource
{
    public ObjectFieldSelector? FieldRef { get; set; }
    public ResourceFieldSelector? ResourceFieldRef { get; set; }
    public ConfigMapKeySelector? ConfigMapKeyRef { get; set; }
    public SecretKeySelector? SecretKeyRef { get; set; }
    public FileKeySelector? FileKeyRef { get; set; }
}

public sealed class ContainerRestartRuleOnExitCodes
{
    public string? Operator { get; set; }
    public List<int>? Values { get; set; }
}

public sealed class ExecAction
{
    public List<string>? Command { get; set; }
}

public sealed class HTTPGetAction
{
    public string? Path { get; set; }
    public IntOrText? Port { get; set; }
    public string? Host { get; set; }
    public string? Scheme { get; set; }
    public List<HTTPHeader>? HttpHeaders { get; set; }
}

public sealed class TCPSocketAction
{
    public IntOrText? Port { get; set; }
    public string? Host { get; set; }
}

public sealed class GRPCAction
{
    public int Port { get; set; }
    public string? Service { get; set; }
}

public sealed class LifecycleHandler
{
    public ExecAction? Exec { get; set; }
    public HTTPGetAction? HttpGet { get; set; }
    public TCPSocketAction? TcpSocket { get; set; }
    public SleepAction? Sleep { get; set; }
}

public sealed class Capabilities
{
    public List<string>? Add { get; set; }
    public List<string>? Drop { get; set; }
}

public sealed class NodeSelector
{
    public List<NodeSelectorTerm>? NodeSelectorTerms { get; set; }
}

public sealed class PreferredSchedulingTerm
{
    public int Weight { get; set; }
    public NodeSelectorTerm? Preference { get; set; }
}

public sealed class PodAffinityTerm
{
    public LabelSelector? LabelSelector { get; set; }
    public List<string>? Namespaces { get; set; }
    public string? TopologyKey { get; set; }
    public LabelSelector? NamespaceSelector { get; set; }
    public List<string>? MatchLabelKeys { get; set; }
    public List<string>? MismatchLabelKeys { get; set; }
}

public sealed class WeightedPodAffinityTerm
{
    public int Weight { get; set; }
    public PodAffinityTerm? PodAffinityTerm { get; set; }
}

public sealed class LabelSelectorRequirement
{
    public string? Key { get; set; }
    public string? Operator { get; set; }
    public List<string>? Values { get; set; }
}

public sealed class ContainerStateWaiting
{
    public string? Reason { get; set; }
    public string? Message { get; set; }
}

public sealed class ContainerStateRunning
{
    public DateTimeOffset? StartedAt { get; set; }
}

public sealed class ContainerStateTerminated
{
    public int ExitCode { get; set; }
    public int Signal { get; set; }
    public string? Reason { get; set; }
    public string? Message { get; set; }
    public DateTimeOffset? StartedAt { get; set; }
    public DateTimeOffset? FinishedAt { get; set; }
    public string? ContainerID { get; set; }
}

public sealed class VolumeStatus
{
    public ImageVolumeStatus? Image { get; set; }
}

public sealed class LinuxContainerUser
{
    public long Uid { get; set; }
    public long Gid { get; set; }
    public List<long>? SupplementalGroups { get; set; }
}

public sealed class ResourceHealth
{
    public string? ResourceID { get; set; }
    public string? Health { get; set; }
    public string? Message { get; set; }
}

public sealed class ObjectFieldSelector
{
    public string? ApiVersion { get; set; }
    public string? FieldPath { get; set; }
}

public sealed class ResourceFieldSelector
{
    public string? ContainerName { get; set; }
    public string? Resource { get; set; }
    public string? Divisor { get; set; }
}

public sealed class SecretProjection
{
    public string? Name { get; set; }
    public List<KeyToPath>? Items { get; set; }
    public bool? Optional { get; set; }
}

public sealed class DownwardAPIProjection
{
    public List<DownwardAPIVolumeFile>? Items { get; set; }
}

public sealed class ConfigMapProjection
{
    public string? Name { get; set; }
    public List<KeyToPath>? Items { get; set; }
    public bool? Optional { get; set; }
}

public sealed class ServiceAccountTokenProjection
{
    public string? Audience { get; set; }
    public long? ExpirationSeconds { get; set; }
    public string? Path { get; set; }
}

public sealed class ClusterTrustBundleProjection
{
    public string? Name { get; set; }
    public string? SignerName { get; set; }
    public LabelSelector? LabelSelector { get; set; }
    public bool? Optional { get; set; }
    public string? Path { get; set; }
}

public sealed class PodCertificateProjection
{
    public string? SignerName { get; set; }
    public string? KeyType { get; set; }
    public int? MaxExpirationSeconds { get; set; }
    public string? CredentialBundlePath { get; set; }
    public string? KeyPath { get; set; }
    public string? CertificateChainPath { get; set; }
    public Dictionary<string, string>? UserAnnotations { get; set; }
}

public sealed class PersistentVolumeClaimSpec
{
    public List<string>? AccessModes { get; set; }
    public LabelSelector? Selector { get; set; }
    public VolumeResourceRequirements? Resources { get; set; }
    public string? VolumeName { get; set; }
    public string? StorageClassName { get; set; }
    public string? VolumeMode { get; set; }
    public TypedLocalObjectReference? DataSource { get; set; }
    public TypedObjectReference? DataSourceRef { get; set; }
    public string? VolumeAttributesClassName { get; set; }
}

public sealed class ConfigMapKeySelector
{
    public string? Name { get; set; }
    public string? Key { get; set; }
    public bool? Optional { get; set; }
}

public sealed class SecretKeySelector
{
    public string? Name { get; set; }
    public string? Key { get; set; }
    public bool? Optional { get; set; }
}

public sealed class FileKeySelector
{
    public string? VolumeName { get; set; }
    public string? Path { get; set; }
    public string? Key { get; set; }
    public bool? Optional { get; set; }
}

public sealed class HTTPHeader
{
    public string? Name { get; set; }
    public string? Value { get; set; }
}

public sealed class SleepAction
{
    public long Seconds { get; set; }
}

public sealed class NodeSelectorTerm
{
    public List<NodeSelectorRequirement>? MatchExpressions { get; set; }
    public List<NodeSelectorRequirement>? MatchFields { get; set; }
}

public sealed class ImageVolumeStatus
{
    public string? ImageRef { get; set; }
}

public sealed class VolumeResourceRequirements
{
    public Dictionary<string, string>? Limits { get; set; }
    public Dictionary<string, string>? Requests { get; set; }
}

public sealed class TypedLocalObjectReference
{
    public string? ApiGroup { get; set; }
    public string? Kind { get; set; }
    public string? Name { get; set; }
}

public sealed class TypedObjectReference
{
    public string? ApiGroup { get; set; }
    public string? Kind { get; set; }
    public string? Name { get; set; }
    public string? Namespace { get; set; }
}

public sealed class NodeSelectorRequirement
{
    public string? Key { get; set; }
    public string? Operator { get; set; }
    public List<string>? Values { get; set; }
}

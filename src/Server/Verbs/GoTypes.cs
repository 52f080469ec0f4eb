using Hanbae.Api.Schema;

namespace Hanbae.Server.Verbs;

/// <summary>What Go calls the types of fields, since a Go server's message names them.</summary>
static class GoTypes
{
    /// <summary>The type of a field's value in a struct of this schema, such as <c>[]v1.Container</c>.</summary>
    public static string Of(TypeSchema owner, FieldSchema field) => field.Shape switch
    {
        Shape.List => "[]" + Item(owner, field),
        Shape.Map when field.Kind == ValueKind.Quantity => "v1.ResourceList",
        Shape.Map => "map[string]" + Item(owner, field),
        Shape.ListMap => "map[string][]" + Item(owner, field),
        _ => Item(owner, field),
    };

    /// <summary>The type of one item.</summary>
    public static string Item(TypeSchema owner, FieldSchema field) => field.Kind switch
    {
        ValueKind.Object => Struct(field.Type!),
        ValueKind.String => Named.TryGetValue(Name(owner) + "." + field.Name, out string? name) ? name.Contains('.', StringComparison.Ordinal) ? name : Package(owner) + "." + name : "string",
        ValueKind.Bool => "bool",
        ValueKind.Int32 => "int32",
        ValueKind.Int64 => "int64",
        ValueKind.Double => "float64",
        ValueKind.Bytes => "[]uint8",
        ValueKind.IntOrString => "int32",
        _ => "string",
    };

    public static string Struct(TypeSchema type) => Package(type) + "." + Name(type);

    public static string Name(TypeSchema type) => type.Name[(type.Name.LastIndexOf('.') + 1)..];

    static string Package(TypeSchema type)
    {
        string[] parts = type.Name.Split('.');
        return parts.Length > 1 ? parts[^2] : "v1";
    }

    static Dictionary<string, string> Named => field ??= Table.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.Split(": ")).SelectMany(p => p[1].Split(' ').Select(f => (Field: f, Type: p[0]))).ToDictionary(p => p.Field, p => p.Type);

    /// <summary>Strings that have a type of their own: the type, and the fields that are of it.</summary>
    const string Table = """
        APIServiceConditionType: APIServiceCondition.type
        AddressType: EndpointSlice.addressType
        AllocationConfigSource: DeviceAllocationConfiguration.source
        AppArmorProfileType: AppArmorProfile.type
        AzureDataDiskCachingMode: AzureDiskVolumeSource.cachingMode
        AzureDataDiskKind: AzureDiskVolumeSource.kind
        Capability: Capabilities.add Capabilities.drop
        CauseType: StatusCause.reason
        CompletionMode: JobSpec.completionMode
        ComponentConditionType: ComponentCondition.type
        ConcurrencyPolicy: CronJobSpec.concurrencyPolicy
        ConditionStatus: APIServiceCondition.status CertificateSigningRequestCondition.status ComponentCondition.status Condition.status
        ConditionStatus: CustomResourceDefinitionCondition.status DaemonSetCondition.status DeploymentCondition.status FlowSchemaCondition.status
        ConditionStatus: HorizontalPodAutoscalerCondition.status JobCondition.status NamespaceCondition.status NodeCondition.status
        ConditionStatus: PersistentVolumeClaimCondition.status PodCondition.status PodFailurePolicyOnPodConditionsPattern.status
        ConditionStatus: PriorityLevelConfigurationCondition.status ReplicaSetCondition.status ReplicationControllerCondition.status
        ConditionStatus: StatefulSetCondition.status StorageVersionCondition.status
        ContainerRestartPolicy: Container.restartPolicy EphemeralContainer.restartPolicy
        ContainerRestartRuleAction: ContainerRestartRule.action
        ContainerRestartRuleOnExitCodesOperator: ContainerRestartRuleOnExitCodes.operator
        ConversionStrategyType: CustomResourceConversion.strategy
        CoordinatedLeaseStrategy: LeaseCandidateSpec.strategy LeaseSpec.strategy
        CustomResourceDefinitionConditionType: CustomResourceDefinitionCondition.type
        DNSPolicy: PodSpec.dnsPolicy
        DaemonSetConditionType: DaemonSetCondition.type
        DaemonSetUpdateStrategyType: DaemonSetUpdateStrategy.type
        DeletionPropagation: DeleteOptions.propagationPolicy
        DeploymentConditionType: DeploymentCondition.type
        DeploymentStrategyType: DeploymentStrategy.type
        DeviceAllocationMode: DeviceRequest.allocationMode DeviceSubRequest.allocationMode ExactDeviceRequest.allocationMode
        DeviceTaintEffect: DeviceTaint.effect DeviceToleration.effect
        DeviceTolerationOperator: DeviceToleration.operator
        DiscoveryFreshness: APIVersionDiscovery.freshness
        DisruptionMode: PodGroupSpec.disruptionMode PodGroupTemplate.disruptionMode
        FSGroupPolicy: CSIDriverSpec.fsGroupPolicy
        FailurePolicyType: MutatingAdmissionPolicySpec.failurePolicy MutatingWebhook.failurePolicy ValidatingAdmissionPolicySpec.failurePolicy
        FailurePolicyType: ValidatingWebhook.failurePolicy
        FieldSelectorOperator: FieldSelectorRequirement.operator
        FieldValueErrorReason: ValidationRule.reason
        FinalizerName: NamespaceSpec.finalizers
        FlowDistinguisherMethodType: FlowDistinguisherMethod.type
        FlowSchemaConditionType: FlowSchemaCondition.type
        FullyQualifiedName: DeviceConstraint.distinctAttribute DeviceConstraint.matchAttribute
        HPAScalingPolicyType: HPAScalingPolicy.type
        HorizontalPodAutoscalerConditionType: HorizontalPodAutoscalerCondition.type
        HostPathType: HostPathVolumeSource.type
        IPFamily: ServiceSpec.ipFamilies
        IPFamilyPolicy: ServiceSpec.ipFamilyPolicy
        IncludeObjectPolicy: TableOptions.includeObject
        JSONSchemaDefinitions: JSONSchemaProps.definitions
        JSONSchemaDependencies: JSONSchemaProps.dependencies
        JSONSchemaURL: JSONSchemaProps.$schema
        JobConditionType: JobCondition.type
        KeyUsage: CertificateSigningRequestSpec.usages
        LabelSelectorOperator: LabelSelectorRequirement.operator
        Level: Event.level PolicyRule.level
        LimitResponseType: LimitResponse.type
        LimitType: LimitRangeItem.type
        LoadBalancerIPMode: LoadBalancerIngress.ipMode
        ManagedFieldsOperationType: ManagedFieldsEntry.operation
        MatchPolicyType: MatchResources.matchPolicy MutatingWebhook.matchPolicy ValidatingWebhook.matchPolicy
        MetricSourceType: MetricSpec.type MetricStatus.type
        MetricTargetType: MetricTarget.type
        MountPropagationMode: VolumeMount.mountPropagation
        NamespaceConditionType: NamespaceCondition.type
        NamespacePhase: NamespaceStatus.phase
        NodeAddressType: NodeAddress.type
        NodeConditionType: NodeCondition.type
        NodeInclusionPolicy: TopologySpreadConstraint.nodeAffinityPolicy TopologySpreadConstraint.nodeTaintsPolicy
        types.NodeName: PodCertificateRequestSpec.nodeName
        NodePhase: NodeStatus.phase
        NodeSelectorOperator: NodeSelectorRequirement.operator
        OSName: PodOS.name
        Operation: AdmissionRequest.operation
        OperationType: RuleWithOperations.operations
        ParameterNotFoundActionType: ParamRef.parameterNotFoundAction
        PatchType: AdmissionResponse.patchType Mutation.patchType
        PathType: HTTPIngressPath.pathType
        PersistentVolumeAccessMode: PersistentVolumeClaimSpec.accessModes PersistentVolumeClaimStatus.accessModes PersistentVolumeSpec.accessModes
        PersistentVolumeClaimConditionType: PersistentVolumeClaimCondition.type
        PersistentVolumeClaimModifyVolumeStatus: ModifyVolumeStatus.status
        PersistentVolumeClaimPhase: PersistentVolumeClaimStatus.phase
        PersistentVolumeClaimRetentionPolicyType: StatefulSetPersistentVolumeClaimRetentionPolicy.whenDeleted StatefulSetPersistentVolumeClaimRetentionPolicy.whenScaled
        PersistentVolumeMode: PersistentVolumeClaimSpec.volumeMode PersistentVolumeSpec.volumeMode
        PersistentVolumePhase: PersistentVolumeStatus.phase
        PersistentVolumeReclaimPolicy: PersistentVolumeSpec.persistentVolumeReclaimPolicy StorageClass.reclaimPolicy
        PodConditionType: PodCondition.type PodFailurePolicyOnPodConditionsPattern.type PodReadinessGate.conditionType
        PodFSGroupChangePolicy: PodSecurityContext.fsGroupChangePolicy
        PodFailurePolicyAction: PodFailurePolicyRule.action
        PodFailurePolicyOnExitCodesOperator: PodFailurePolicyOnExitCodesRequirement.operator
        PodManagementPolicyType: StatefulSetSpec.podManagementPolicy
        PodPhase: PodStatus.phase
        PodQOSClass: PodStatus.qosClass
        PodReplacementPolicy: JobSpec.podReplacementPolicy
        PodResizeStatus: PodStatus.resize
        PodSELinuxChangePolicy: PodSecurityContext.seLinuxChangePolicy
        PolicyType: NetworkPolicySpec.policyTypes
        PreemptionPolicy: PodSpec.preemptionPolicy PriorityClass.preemptionPolicy
        PriorityLevelConfigurationConditionType: PriorityLevelConfigurationCondition.type
        PriorityLevelEnablement: PriorityLevelConfigurationSpec.type
        ProcMountType: SecurityContext.procMount
        Protocol: ContainerPort.protocol EndpointPort.protocol IngressPortStatus.protocol NetworkPolicyPort.protocol PortStatus.protocol
        Protocol: ServicePort.protocol
        PullPolicy: Container.imagePullPolicy EphemeralContainer.imagePullPolicy ImageVolumeSource.pullPolicy
        QualifiedName: NodeAllocatableResourceMapping.capacityKey
        RecursiveReadOnlyMode: VolumeMount.recursiveReadOnly VolumeMountStatus.recursiveReadOnly
        ReinvocationPolicyType: MutatingAdmissionPolicySpec.reinvocationPolicy MutatingWebhook.reinvocationPolicy
        ReplicaSetConditionType: ReplicaSetCondition.type
        ReplicationControllerConditionType: ReplicationControllerCondition.type
        RequestConditionType: CertificateSigningRequestCondition.type
        ResourceHealthStatus: ResourceHealth.health
        ResourceID: ResourceHealth.resourceID
        ResourceName: ContainerResizePolicy.resourceName ContainerResourceMetricSource.name ContainerResourceMetricStatus.name
        ResourceName: ResourceMetricSource.name ResourceMetricStatus.name ResourceStatus.name
        ResourceQuotaScope: ResourceQuotaSpec.scopes ScopedResourceSelectorRequirement.scopeName
        ResourceResizeRestartPolicy: ContainerResizePolicy.restartPolicy
        ResourceScope: APIResourceDiscovery.scope CustomResourceDefinitionSpec.scope
        ResourceVersionMatch: ListOptions.resourceVersionMatch
        RestartPolicy: PodSpec.restartPolicy
        ScalingPolicySelect: HPAScalingRules.selectPolicy
        ScopeSelectorOperator: ScopedResourceSelectorRequirement.operator
        ScopeType: Rule.scope
        SeccompProfileType: SeccompProfile.type
        SecretType: Secret.type
        ServiceAffinity: ServiceSpec.sessionAffinity
        ServiceExternalTrafficPolicy: ServiceSpec.externalTrafficPolicy
        ServiceInternalTrafficPolicy: ServiceSpec.internalTrafficPolicy
        ServiceType: ServiceSpec.type
        SideEffectClass: MutatingWebhook.sideEffects ValidatingWebhook.sideEffects
        Signal: ContainerStatus.stopSignal Lifecycle.stopSignal
        Stage: Event.stage Policy.omitStages PolicyRule.omitStages
        StatefulSetConditionType: StatefulSetCondition.type
        StatefulSetUpdateStrategyType: StatefulSetUpdateStrategy.type
        StatusReason: Status.reason Validation.reason
        StorageMedium: EmptyDirVolumeSource.medium
        StorageVersionConditionType: StorageVersionCondition.type
        SubjectKind: Subject.kind
        SupplementalGroupsPolicy: PodSecurityContext.supplementalGroupsPolicy
        TaintEffect: Taint.effect Toleration.effect
        TerminationMessagePolicy: Container.terminationMessagePolicy EphemeralContainer.terminationMessagePolicy
        TolerationOperator: Toleration.operator
        Type: IntOrString.Type
        types.UID: AdmissionRequest.uid AdmissionResponse.uid BoundObjectReference.uid ConfigMapNodeConfigSource.uid ConversionRequest.uid
        types.UID: ConversionResponse.uid DeviceRequestAllocationResult.shareID Event.auditID ObjectMeta.uid ObjectReference.uid
        types.UID: OwnerReference.uid PodCertificateRequestSpec.nodeUID PodCertificateRequestSpec.podUID
        types.UID: PodCertificateRequestSpec.serviceAccountUID Preconditions.uid ResourceClaimConsumerReference.uid StatusDetails.uid
        types.UID: UncountedTerminatedPods.failed UncountedTerminatedPods.succeeded
        URIScheme: HTTPGetAction.scheme
        UnhealthyPodEvictionPolicyType: PodDisruptionBudgetSpec.unhealthyPodEvictionPolicy
        UniqueVolumeName: AttachedVolume.name NodeStatus.volumesInUse
        UnsatisfiableConstraintAction: TopologySpreadConstraint.whenUnsatisfiable
        ValidationAction: ValidatingAdmissionPolicyBindingSpec.validationActions
        ValidationRules: JSONSchemaProps.x-kubernetes-validations
        VolumeBindingMode: StorageClass.volumeBindingMode
        VolumeLifecycleMode: CSIDriverSpec.volumeLifecycleModes
        """;
}

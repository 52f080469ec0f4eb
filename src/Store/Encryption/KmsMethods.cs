using Hanbae.Grpc;
using Hanbae.Store.Encryption.Kms;

namespace Hanbae.Store.Encryption;

/// <summary>The calls of a key management plugin, by their names on the wire.</summary>
public static class KmsMethods
{
    const string Service = "v2.KeyManagementService";

    public static readonly GrpcMethod<StatusRequest, StatusResponse> Status = new(Service, "Status", StatusRequest.Parser, StatusResponse.Parser);
    public static readonly GrpcMethod<EncryptRequest, EncryptResponse> Encrypt = new(Service, "Encrypt", EncryptRequest.Parser, EncryptResponse.Parser);
    public static readonly GrpcMethod<DecryptRequest, DecryptResponse> Decrypt = new(Service, "Decrypt", DecryptRequest.Parser, DecryptResponse.Parser);
}

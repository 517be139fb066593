// Java's own TLS against ours, both ways. One virtual machine runs every case of its arguments, because starting it
// costs more than all of them.
//
//   java Interop.java client CA CERT KEY case...    case: name,port,version,suite,group,certificate(yes|no)
//   java Interop.java server CA CERT KEY case...    case: name,version,suite,group,certificate(yes|no)
//
// A client case prints `name ok: ...` or `name failed: ...`. A server case prints `name port N`, serves one
// connection and prints `name ok: ...` when it was answered.

import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.*;
import javax.net.ssl.*;

public class Interop {
    public static void main(String[] args) throws Exception {
        // the named groups of a context can be chosen only for the whole machine in Java 17
        SSLContext context = context(args[1], args[2], args[3]);
        boolean failed = false;
        List<Thread> servers = new ArrayList<>();
        for (int i = 4; i < args.length; i++) {
            String[] parts = args[i].split(",");
            if (args[0].equals("client")) {
                failed |= !client(context, parts);
            } else {
                servers.add(server(context, parts));
            }
        }
        for (Thread server : servers) {
            server.join();
        }
        System.exit(failed ? 1 : 0);
    }

    static SSLContext context(String ca, String cert, String key) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        KeyStore trust = KeyStore.getInstance("PKCS12");
        trust.load(null, null);
        try (InputStream in = Files.newInputStream(Path.of(ca))) {
            trust.setCertificateEntry("ca", factory.generateCertificate(in));
        }
        TrustManagerFactory trusted = TrustManagerFactory.getInstance("PKIX");
        trusted.init(trust);
        java.security.cert.Certificate leaf;
        try (InputStream in = Files.newInputStream(Path.of(cert))) {
            leaf = factory.generateCertificate(in);
        }
        String body = Files.readString(Path.of(key)).replaceAll("-----[^-]+-----|\\s", "");
        PrivateKey priv = KeyFactory.getInstance(leaf.getPublicKey().getAlgorithm())
            .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(body)));
        KeyStore own = KeyStore.getInstance("PKCS12");
        own.load(null, null);
        own.setKeyEntry("own", priv, new char[0], new java.security.cert.Certificate[] {leaf});
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(own, new char[0]);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trusted.getTrustManagers(), null);
        return context;
    }

    static boolean client(SSLContext context, String[] parts) {
        String name = parts[0];
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory()
                 .createSocket(new Socket("127.0.0.1", Integer.parseInt(parts[1])), "localhost", 0, true)) {
            socket.setSoTimeout(10_000);
            socket.setEnabledProtocols(new String[] {parts[2]});
            socket.setEnabledCipherSuites(new String[] {parts[3]});
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            parameters.setApplicationProtocols(new String[] {"http/1.1"});
            socket.setSSLParameters(parameters);
            socket.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            boolean identified = answer.contains("client=CN=client");
            boolean ok = answer.startsWith("HTTP/1.0 200")
                && socket.getSession().getProtocol().equals(parts[2])
                && socket.getSession().getCipherSuite().equals(parts[3])
                && socket.getApplicationProtocol().equals("http/1.1")
                && identified == parts[5].equals("yes");
            System.out.println(name + (ok ? " ok: " : " failed: ") + answer.replace("\n", " ").replace("\r", ""));
            return ok;
        } catch (Exception error) {
            System.out.println(name + " failed: " + error);
            return false;
        }
    }

    static Thread server(SSLContext context, String[] parts) throws Exception {
        SSLServerSocket listener = (SSLServerSocket) context.getServerSocketFactory()
            .createServerSocket(0, 5, InetAddress.getByName("127.0.0.1"));
        listener.setSoTimeout(30_000);
        listener.setEnabledProtocols(new String[] {parts[1]});
        listener.setEnabledCipherSuites(new String[] {parts[2]});
        listener.setNeedClientAuth(parts[4].equals("yes"));
        System.out.println(parts[0] + " port " + listener.getLocalPort());
        System.out.flush();
        Thread thread = new Thread(() -> {
            try (listener; SSLSocket socket = (SSLSocket) listener.accept()) {
                socket.setSoTimeout(10_000);
                BufferedReader in = new BufferedReader(new InputStreamReader(socket.getInputStream()));
                String line;
                while ((line = in.readLine()) != null && !line.isEmpty()) {
                    // headers
                }
                String peer = parts[4].equals("yes") ? socket.getSession().getPeerPrincipal().getName() : "none";
                socket.getOutputStream().write(("HTTP/1.0 200 OK\r\n\r\njava client=" + peer + "\n").getBytes());
                System.out.println(parts[0] + " ok: " + socket.getSession().getProtocol());
            } catch (Exception error) {
                System.out.println(parts[0] + " failed: " + error);
            }
            System.out.flush();
        });
        thread.start();
        return thread;
    }
}
